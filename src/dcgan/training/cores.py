"""How many threads a training computes with when other programs run on the same machine."""

import getpass
import logging
import math
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

TASKS = Path("/proc/self/task")  # a folder for each thread
SECONDS_WATCHED = 10.0  # so that the start of some program is too short to count
TOLERATED = 0.25  # of a thread in the queue; with free cores it is below 0.05
SECONDS_UNTIL_RETRY = 60.0


class Cores:
    """The cores that a training computes on, a thread on each; entered, then told of every step.

    A step has hundreds of places where all its threads wait for the slowest. One that queues for a
    core stops them all each time, so that a step in bfloat16 takes 50 times as long, where fewer
    threads lose little (dcgan-benchmark, "beside a busy process", "two trainings at once"). So a
    training

    - has locks of its own on its cores, starts with those that no other training has, one thread
      at least, and takes others once they are free;
    - computes with fewer threads while some of them queue for cores, and tries more now and then.

    With OMP_NUM_THREADS, which joblib and torchrun set too, it has locks, but its threads stay. And
    nobody notices a queue where the system does not tell of it (Linux does: proc(5), schedstat).
    """

    def __init__(self) -> None:
        self._all_threads = torch.get_num_threads()
        self._is_fixed = "OMP_NUM_THREADS" in os.environ
        self._locks: list[FileLock] = []
        self._since, self._queued = time.monotonic(), _seconds_queued()
        self._patience = SECONDS_UNTIL_RETRY
        self._retry_at = 0.0

    def __enter__(self) -> "Cores":
        self._take_free(self._all_threads)
        if self._is_fixed:
            return self
        threads = max(1, len(self._locks))
        if threads < self._all_threads:
            log.info(
                "%d of %d cores have another training: this one has %d of %d threads",
                self._all_threads - len(self._locks),
                self._all_threads,
                threads,
                self._all_threads,
            )
        torch.set_num_threads(threads)
        return self

    def __exit__(self, *_: object) -> None:
        self._release(down_to=0)
        torch.set_num_threads(self._all_threads)

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
        if not self._locks:
            self._take_free(1)  # the core that it computes on, given back by another
        if in_queue >= 1:
            self._retry_at = now + self._patience
            fewer = max(1, threads - in_queue)
            self._release(down_to=fewer)
            if fewer < threads:
                torch.set_num_threads(fewer)
                why = "threads queue for cores that others use"
                log.warning("%s: %d of %d after step %d", why, fewer, self._all_threads, step)
        elif threads < self._all_threads and now >= self._retry_at:
            self._take_free(self._all_threads)
            if len(self._locks) > threads:
                self._patience *= 2  # where cores stay busy, it is tried ever more rarely
                torch.set_num_threads(len(self._locks))
                why = "cores are free again"
                log.info(
                    "%s: %d of %d threads after step %d",
                    why,
                    len(self._locks),
                    self._all_threads,
                    step,
                )

    def _take_free(self, at_most: int) -> None:
        """Lock cores that no other training has, until there are so many."""
        folder = Path(tempfile.gettempdir()) / f"dcgan-cores-{getpass.getuser()}"
        folder.mkdir(exist_ok=True)
        held = {lock.lock_file for lock in self._locks}
        num_cores = os.cpu_count() or 1 if self._is_fixed else self._all_threads
        for core in range(num_cores):
            lock = FileLock(folder / f"{core}.lock", timeout=0)
            if len(self._locks) < at_most and lock.lock_file not in held:
                with suppress(Timeout):
                    lock.acquire()
                    self._locks.append(lock)

    def _release(self, down_to: int) -> None:
        while len(self._locks) > down_to:
            self._locks.pop().release()


def _seconds_queued() -> dict[str, float]:
    """By thread of this process, how long it was ready to run and had no core."""
    seconds = {}
    for thread in TASKS.glob("*"):
        with suppress(OSError):  # it has just ended, or this is not Linux
            _, queued, _ = (thread / "schedstat").read_text(encoding="ascii").split()
            seconds[thread.name] = int(queued) / 1e9
    return seconds
