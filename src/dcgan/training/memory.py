"""What malloc does with memory that a step has freed."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# Numbers of mallopt(3), and how glibc is told the same from outside.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
# By itself glibc raises its thresholds up to these, as it meets large blocks.
USUAL_MMAP_THRESHOLD, USUAL_TRIM_THRESHOLD = 32 * 2**20, 64 * 2**20


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Have freed memory kept for the next step, which takes as much of it again.

    Otherwise glibc gives large blocks back to the system, and each of their pages costs a fault
    when it is taken anew, at every step. Nothing happens where malloc is not glibc's, or where the
    user has set it.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in VARIABLES):
        yield
        return
    # Older versions refuse more than they would reach by themselves.
    _ = _mallopt(MMAP_THRESHOLD, 2**30) or _mallopt(MMAP_THRESHOLD, USUAL_MMAP_THRESHOLD)
    _mallopt(TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        _mallopt(MMAP_THRESHOLD, USUAL_MMAP_THRESHOLD)
        _mallopt(TRIM_THRESHOLD, USUAL_TRIM_THRESHOLD)


def _mallopt(parameter: int, value: int) -> bool:
    """Whether malloc has accepted it."""
    return bool(ctypes.CDLL(None).mallopt(parameter, value))
