"""Keep glibc's malloc from returning freed memory to the system after every step."""

import ctypes
import os
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt(3)
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> None:
    """Make this process keep freed memory, so that steps run 1.1 to 1.3 times as fast.

    By default glibc returns large blocks to the system, and allocating them again costs a page
    fault per page at every step. No-op without glibc, or if the user has set malloc's variables.
    """
    if platform.libc_ver()[0] == "glibc" and not any(name in os.environ for name in VARIABLES):
        mallopt = ctypes.CDLL(None).mallopt
        # Older versions refuse more than 32 MiB.
        _ = mallopt(MMAP_THRESHOLD, 2**30) or mallopt(MMAP_THRESHOLD, 2**25)
        mallopt(TRIM_THRESHOLD, -1)
