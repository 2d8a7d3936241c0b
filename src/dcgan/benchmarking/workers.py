"""Arms in processes of their own, told from here how many steps to do."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from resource import RUSAGE_SELF, getrusage
from types import TracebackType
from typing import Self

from dcgan.benchmarking.timing import Steps, synchronise

Arms = Callable[[], Mapping[str, Steps]]  # builds them; is called in the process


class Worker:
    """A process with some arms; a context that ends it.

    Args:
        arms: a function of a module, or a partial of one.
        variables: of its environment, beside those of this process; None: without it.
    """

    def __init__(self, arms: Arms, variables: Mapping[str, str | None] | None = None) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(arms, theirs), daemon=True)
        with _environment(variables or {}):
            self._process.start()
        theirs.close()  # so that the end of the process ends the waiting for it
        self._connection.recv()

    def begin(self, arm: str, number: int) -> None:
        """Have it do so many steps of one arm."""
        self._connection.send((arm, number))

    def finish(self) -> int:
        """Wait until they are done; return how many page faults they took."""
        page_faults: int = self._connection.recv()
        return page_faults

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.join()


def at_once(workers: Sequence[Worker], arm: str) -> Steps:
    """So many steps of one arm in each process, at the same time."""

    def steps(number: int) -> None:
        for worker in workers:
            worker.begin(arm, number)
        for worker in workers:
            worker.finish()

    return steps


def _work(arms: Arms, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that this
    steps = arms()
    connection.send(None)
    while True:
        arm, number = connection.recv()
        before = getrusage(RUSAGE_SELF).ru_minflt
        steps[arm](number)
        synchronise()
        connection.send(getrusage(RUSAGE_SELF).ru_minflt - before)


@contextmanager
def _environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """With these variables, for processes that start meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
