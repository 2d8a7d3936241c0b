"""How an OpenMP thread waits for its siblings: what it costs alone, and where cores are shared.

OpenMP reads this once, when torch is loaded, so every way has processes of its own; a single thread
waits for nobody.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any

from dcgan.benchmarking.ours import PRECISIONS, in_precision, steps_of
from dcgan.benchmarking.timing import Steps, interleave, quartiles
from dcgan.benchmarking.workers import Worker, at_once
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare

WAYS: dict[str, dict[str, str | None]] = {
    "spin briefly": {"GOMP_SPINCOUNT": "1000", "OMP_WAIT_POLICY": None},
    "spin long": {"GOMP_SPINCOUNT": "300000", "OMP_WAIT_POLICY": None},  # OpenMP's default
    "sleep": {"GOMP_SPINCOUNT": None, "OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
BUSY, TWO = "beside a busy process", "two trainings at once"
SITUATIONS = ("alone", BUSY, TWO)
LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"


def compare_waiting(
    config: TrainConfig, rounds: int, seconds_per_turn: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """How long a step takes by precision, situation and way of waiting; ways are interleaved.

    Returns:
        For each of them the quartiles over rounds, in ms.
    """
    prepare(config.data)  # once, for all
    build = partial(by_precision, config)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with ExitStack() as stack:
        workers = {
            way: [stack.enter_context(Worker(build, variables)) for _ in range(2)]
            for way, variables in WAYS.items()
        }
        for precision in PRECISIONS:
            found[precision] = {}
            for situation in SITUATIONS:
                num_workers = 2 if situation == TWO else 1
                arms = {way: at_once(workers[way][:num_workers], precision) for way in WAYS}
                with busy_process() if situation == BUSY else nullcontext():
                    seconds = interleave(arms, rounds, seconds_per_turn)
                found[precision][situation] = {
                    way: asdict(quartiles([1000 * each for each in times]))
                    for way, times in seconds.items()
                }
    return found


def by_precision(config: TrainConfig) -> Mapping[str, Steps]:
    """Our steps in each precision."""
    return {precision: steps_of(in_precision(config, precision)) for precision in PRECISIONS}


@contextmanager
def busy_process() -> Iterator[None]:
    """Some other program that computes on one core."""
    process = subprocess.Popen([sys.executable, "-c", LOOP], start_new_session=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()
