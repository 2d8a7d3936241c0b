"""How an OpenMP thread waits for its siblings: what it costs alone, and beside another training.

OpenMP reads this once, when torch is loaded, so every way has processes of its own.
"""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from dcgan.benchmarking.ours import start
from dcgan.benchmarking.timing import Steps, interleave, quartiles, repeat
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare
from dcgan.training.step import train_step

WAYS: dict[str, dict[str, str]] = {
    "spin briefly (ours)": {"GOMP_SPINCOUNT": "1000"},
    "spin long (OpenMP's default)": {"GOMP_SPINCOUNT": "300000"},
    "sleep": {"OMP_WAIT_POLICY": "PASSIVE"},
}


class Worker(NamedTuple):
    """A process that does as many steps as it is sent, then answers; 0 ends it."""

    process: BaseProcess
    connection: Connection


def compare_waiting(
    config: TrainConfig, rounds: int, seconds_per_turn: float
) -> dict[str, dict[str, Any]]:
    """How long a step takes by way of waiting, "alone" and with "two at once", each interleaved.

    Returns:
        For each way and situation the quartiles over rounds, in ms.
    """
    prepare(config.data)  # once, for all
    workers = {
        way: [_start(config, variables) for _ in range(2)] for way, variables in WAYS.items()
    }
    found: dict[str, dict[str, Any]] = {way: {} for way in WAYS}
    for situation, num_workers in {"alone": 1, "two at once": 2}.items():
        arms = {way: _steps_of(workers[way][:num_workers]) for way in WAYS}
        for way, seconds in interleave(arms, rounds, seconds_per_turn).items():
            found[way][situation] = asdict(quartiles([1000 * each for each in seconds]))
    for worker in [each for pair in workers.values() for each in pair]:
        worker.connection.send(0)
        worker.process.join()
    return found


def _steps_of(workers: Sequence[Worker]) -> Steps:
    """So many steps in each process, at once."""

    def steps(number: int) -> None:
        for worker in workers:
            worker.connection.send(number)
        for worker in workers:
            worker.connection.recv()

    return steps


def _start(config: TrainConfig, variables: Mapping[str, str]) -> Worker:
    """A process that waits like that, ready to be told how many steps to do."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(config, theirs), daemon=True)
    with _environment(variables):
        process.start()
    theirs.close()  # so that the end of the process ends the waiting for it
    ours.recv()
    return Worker(process, ours)


def _work(config: TrainConfig, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that this
    steps = repeat(partial(train_step, *start(config)))
    connection.send(None)
    while number := connection.recv():
        steps(number)
        connection.send(None)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Exactly these variables about waiting, for processes that start meanwhile."""
    names = {name for each in WAYS.values() for name in each}
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)
