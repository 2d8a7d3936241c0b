"""Which cores a training computes on when others run on the same machine."""

import getpass
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@contextmanager
def free_cores() -> Iterator[int]:
    """Compute with as many threads as there are cores that no other training has; at least one.

    Threads that share cores wait for each other: where two trainings have all cores each, a step in
    bfloat16 takes 5 times as long, or 90 if threads spin only briefly (dcgan-benchmark, "two
    trainings"). The number is settled at the start, since the sums of a run depend on it. What the
    user sets, OMP_NUM_THREADS, stays.

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
