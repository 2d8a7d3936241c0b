"""The plain step and ours, each in a process of its own, as it is when a user runs one of them.

What arms in one process share is its own there, above all the state of malloc; what that costs is
told by page faults, and by the plain step with malloc as ours has it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from typing import Any

from dcgan.benchmarking.comparison import plain_trainer, with_loader
from dcgan.benchmarking.ours import PRECISIONS, in_precision, steps_of, with_memory_kept
from dcgan.benchmarking.timing import Steps, interleave, paired_ratio, quartiles, repeat
from dcgan.benchmarking.waiting import WAYS
from dcgan.benchmarking.workers import Worker
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare

PLAIN, PLAIN_KEPT = "plain", "plain, memory kept"


def compare_apart(config: TrainConfig, rounds: int, seconds_per_turn: float) -> dict[str, Any]:
    """Time the plain step with its DataLoader, and ours in each precision, data included.

    Returns:
        For each the quartiles over rounds of its ms a step, and of how many times as fast as the
        plain step it is; and its page faults a step, the median.
    """
    faults: dict[str, list[float]] = {}
    with ExitStack() as stack:
        arms = {}
        for name in (PLAIN, PLAIN_KEPT, *PRECISIONS):
            # Ours waits as its command has it, the plain step as OpenMP does by default.
            variables = None if name in PRECISIONS else WAYS["spin long"]
            worker = stack.enter_context(Worker(partial(_arm, config, name), variables))
            faults[name] = []
            arms[name] = _counting(worker, name, faults[name])
        seconds = interleave(arms, rounds, seconds_per_turn)
    return {
        name: {
            "ms": asdict(quartiles([1000 * each for each in times])),
            "ratio": asdict(paired_ratio(seconds[PLAIN], times)),
            "page_faults": quartiles(faults[name]).median,
        }
        for name, times in seconds.items()
    }


def _counting(worker: Worker, name: str, faults: list[float]) -> Steps:
    """Steps of a worker whose page faults are written down, but for the first step of a turn."""

    def steps(number: int) -> None:
        worker.begin(name, number)
        num_faults = worker.finish()
        if number > 1:
            faults.append(num_faults / number)

    return steps


def _arm(config: TrainConfig, name: str) -> Mapping[str, Steps]:
    """The one arm of a process."""
    if name in PRECISIONS:
        return {name: steps_of(in_precision(config, name))}
    images, batch_size = prepare(config.data).open(), config.trainer.batch_size
    steps = repeat(with_loader(plain_trainer(config), images, batch_size, num_workers=0))
    return {name: steps if name == PLAIN else with_memory_kept(steps)}
