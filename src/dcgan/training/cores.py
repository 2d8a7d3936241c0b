"""How many threads a training computes with when other programs run on the same machine."""

import getpass
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

SECONDS_WATCHED = 5.0  # shorter bursts of other programs, such as their start, do not count


@contextmanager
def free_cores() -> Iterator[int]:
    """Compute with as many threads as there are cores that no other training has; at least one.

    Threads that share cores wait for each other: two trainings with all cores each are slower by
    far than with one core each (dcgan-benchmark, "two trainings"). What the user sets,
    OMP_NUM_THREADS, stays.

    Yields:
        The number of threads.
    """
    wanted = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ:
        yield wanted
        return
    folder = Path(tempfile.gettempdir()) / f"dcgan-cores-{getpass.getuser()}"
    folder.mkdir(exist_ok=True)
    with ExitStack() as taken:
        num_free = 0
        for core in range(wanted):
            try:
                taken.enter_context(FileLock(folder / f"{core}.lock", timeout=0))
                num_free += 1
            except Timeout:
                pass
        threads = max(1, num_free)
        if threads < wanted:
            log.info(
                "%d of %d cores have another training: this one has %d of %d threads",
                wanted - num_free,
                wanted,
                threads,
                wanted,
            )
        torch.set_num_threads(threads)
        try:
            yield threads
        finally:
            torch.set_num_threads(wanted)


class CoreWatch:
    """Computes with fewer threads once other programs keep cores busy, to the end of the run.

    A step has hundreds of places where all its threads wait for the slowest. One that has to queue
    for a core stops them all each time, so that a step takes 3 to 100 times as long, and one thread
    less is faster (dcgan-benchmark, "beside a busy process"). The sums of a run depend on the
    number, so it does not go up again. What the user sets, OMP_NUM_THREADS, stays; and nothing
    happens where the system does not tell how long threads queue (Linux does: proc(5), schedstat).
    """

    def __init__(self) -> None:
        self._is_fixed = "OMP_NUM_THREADS" in os.environ
        self._since, self._queued = time.monotonic(), _seconds_queued()

    def after_step(self, step: int) -> None:
        """Look at the last seconds, if enough have passed, and settle the number of threads."""
        threads = torch.get_num_threads()
        seconds = time.monotonic() - self._since
        if self._is_fixed or threads == 1 or seconds < SECONDS_WATCHED:
            return
        queued = _seconds_queued()
        fewer = max(1, threads - round((queued - self._queued) / seconds))  # threads in the queue
        self._since, self._queued = time.monotonic(), queued
        if fewer < threads:
            torch.set_num_threads(fewer)
            log.warning(
                "other programs keep the processor busy: from step %d on %d of %d threads",
                step,
                fewer,
                threads,
            )


def _seconds_queued() -> float:
    """How long this process's threads were ready to run and had no core, all together."""
    nanoseconds = 0
    for statistics in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that has just ended
            nanoseconds += int(statistics.read_text(encoding="ascii").split()[1])
    return nanoseconds / 1e9
