"""How an OpenMP thread waits for its siblings: what it costs alone, and where cores are shared.

OpenMP reads this once, when torch is loaded, so every way has processes of its own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from dcgan.benchmarking.ours import PRECISIONS, in_precision, steps_of
from dcgan.benchmarking.timing import Steps, interleave, quartiles
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare

WAYS: dict[str, dict[str, str]] = {
    "spin briefly": {"GOMP_SPINCOUNT": "1000"},
    "spin long": {"GOMP_SPINCOUNT": "300000"},  # OpenMP's default
    "sleep": {"OMP_WAIT_POLICY": "PASSIVE"},
}
ALONE, BUSY, TWO = SITUATIONS = ("alone", "beside a busy process", "two trainings, all cores each")


class Worker(NamedTuple):
    """A process that does as many steps as it is sent, in the precision it is sent, then answers.

    None ends it.
    """

    process: BaseProcess
    connection: Connection


def compare_waiting(
    config: TrainConfig, rounds: int, seconds_per_turn: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """How long a step takes by precision, situation and way of waiting; ways are interleaved.

    Returns:
        For each of them the quartiles over rounds, in ms.
    """
    prepare(config.data)  # once, for all
    workers = {
        way: [_start(config, variables) for _ in range(2)] for way, variables in WAYS.items()
    }
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for precision in PRECISIONS:
        found[precision] = {}
        for situation in SITUATIONS:
            num_workers = 2 if situation == TWO else 1
            arms = {way: _steps_of(workers[way][:num_workers], precision) for way in WAYS}
            with _busy_process() if situation == BUSY else nullcontext():
                seconds = interleave(arms, rounds, seconds_per_turn)
            found[precision][situation] = {
                way: asdict(quartiles([1000 * each for each in times]))
                for way, times in seconds.items()
            }
    for worker in [each for pair in workers.values() for each in pair]:
        worker.connection.send(None)
        worker.process.join()
    return found


def _steps_of(workers: Sequence[Worker], precision: str) -> Steps:
    """So many steps in each process, at once."""

    def steps(number: int) -> None:
        for worker in workers:
            worker.connection.send((precision, number))
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
    steps = {precision: steps_of(in_precision(config, precision)) for precision in PRECISIONS}
    connection.send(None)
    while (order := connection.recv()) is not None:
        precision, number = order
        steps[precision](number)
        connection.send(None)


@contextmanager
def _busy_process() -> Iterator[None]:
    """Some other program that computes on one core."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


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
