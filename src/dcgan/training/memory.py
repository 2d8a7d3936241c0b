"""What malloc does with memory that a step has freed."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# Numbers of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEEP = {MMAP_THRESHOLD: 2**30, TRIM_THRESHOLD: -1}
# By itself glibc raises its thresholds up to these, as it meets large blocks.
USUAL = {MMAP_THRESHOLD: 32 * 2**20, TRIM_THRESHOLD: 64 * 2**20}


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Have freed memory kept for the next step, which takes as much of it again.

    Otherwise glibc gives large blocks back to the system, and each of their pages costs a fault
    when it is taken anew, at every step. Nothing happens where malloc is not glibc's.
    """
    _mallopt(KEEP)
    try:
        yield
    finally:
        _mallopt(USUAL)


def _mallopt(values: dict[int, int]) -> None:
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    for parameter, value in values.items():
        mallopt(parameter, value)
