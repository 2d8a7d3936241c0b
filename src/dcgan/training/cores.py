"""How many threads a training computes with when other programs run on the same machine."""

import getpass
import logging
import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

TASKS = Path("/proc/self/task")  # a folder for each thread
SECONDS_WATCHED = 10.0  # so that the start of some program is too short to count
TOLERATED = 0.25  # of a thread in the queue; with free cores it is below 0.05
SECONDS_UNTIL_RETRY = 60.0


@contextmanager
def free_cores() -> Iterator[int]:
    """Compute with as many threads as there are cores that no other training has; at least one.

    Threads that share cores wait for each other: two trainings with all cores each are slower than
    with their own cores, in bfloat16 by far (dcgan-benchmark, "two trainings"). What the user sets,
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
    """Computes with fewer threads while other programs keep cores busy.

    A step has hundreds of places where all its threads wait for the slowest. One that queues for a
    core stops them all each time, so that a step may take 100 times as long, where fewer threads
    lose little (dcgan-benchmark, "beside a busy process"). Now and then all of them are tried
    again. What the user sets, OMP_NUM_THREADS, stays; and nothing happens where the system does not
    tell how long threads queue (Linux does: proc(5), schedstat).
    """

    def __init__(self) -> None:
        self._all_threads = torch.get_num_threads()
        self._is_fixed = "OMP_NUM_THREADS" in os.environ or self._all_threads == 1
        self._since, self._queued = time.monotonic(), _seconds_queued()
        self._patience = SECONDS_UNTIL_RETRY
        self._retry_at = 0.0

    def after_step(self, step: int) -> None:
        """Settle the number of threads by the last seconds, if enough have passed.

        Args:
            step: how many steps are done.
        """
        now = time.monotonic()
        seconds = now - self._since
        if self._is_fixed or seconds < SECONDS_WATCHED:
            return
        before, self._since, self._queued = self._queued, now, _seconds_queued()
        waited = sum(total - before.get(thread, 0.0) for thread, total in self._queued.items())
        in_queue = math.ceil(waited / seconds - TOLERATED)

        threads = torch.get_num_threads()
        if in_queue >= 1:
            self._retry_at = now + self._patience
            self._compute_with(max(1, threads - in_queue), step)
        elif threads < self._all_threads and now >= self._retry_at:
            self._patience *= 2  # where cores stay busy, it is tried ever more rarely
            self._compute_with(self._all_threads, step)

    def _compute_with(self, threads: int, step: int) -> None:
        if threads == torch.get_num_threads():
            return
        torch.set_num_threads(threads)
        if threads < self._all_threads:
            why = "threads queue for cores that others use"
            log.warning("%s: %d of %d after step %d", why, threads, self._all_threads, step)
        else:
            log.info("all %d threads again after step %d", threads, step)


def _seconds_queued() -> dict[str, float]:
    """By thread of this process, how long it was ready to run and had no core."""
    seconds = {}
    for thread in TASKS.glob("*"):
        with suppress(OSError):  # it has just ended, or this is not Linux
            _, queued, _ = (thread / "schedstat").read_text(encoding="ascii").split()
            seconds[thread.name] = int(queued) / 1e9
    return seconds
