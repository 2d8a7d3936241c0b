"""The plain step and ours, each in a process of its own, as it is when a user runs one of them.

What arms in one process share is its own there, above all the state of malloc.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from typing import Any

from dcgan.benchmarking.comparison import plain_trainer, with_loader
from dcgan.benchmarking.ours import PRECISIONS, in_precision, steps_of
from dcgan.benchmarking.timing import Steps, interleave, paired_ratio, quartiles, repeat
from dcgan.benchmarking.waiting import WAYS
from dcgan.benchmarking.workers import Worker, at_once
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare

PLAIN = "plain"


def compare_apart(config: TrainConfig, rounds: int, seconds_per_turn: float) -> dict[str, Any]:
    """Time the plain step with its DataLoader, and ours in each precision, data included.

    Returns:
        For each the quartiles over rounds of its ms a step, and of how many times as fast as the
        plain step it is.
    """
    names = (PLAIN, *PRECISIONS)
    with ExitStack() as stack:
        workers = {}
        for name in names:
            # Ours waits as its command has it, the plain step as OpenMP does by default.
            variables = WAYS["spin long"] if name == PLAIN else None
            workers[name] = stack.enter_context(Worker(partial(_arm, config, name), variables))
        arms = {name: at_once([worker], name) for name, worker in workers.items()}
        seconds = interleave(arms, rounds, seconds_per_turn)
    return {
        name: {
            "ms": asdict(quartiles([1000 * each for each in times])),
            "ratio": asdict(paired_ratio(seconds[PLAIN], times)),
        }
        for name, times in seconds.items()
    }


def _arm(config: TrainConfig, name: str) -> Mapping[str, Steps]:
    """The one arm of a process."""
    if name != PLAIN:
        return {name: steps_of(in_precision(config, name))}
    images, batch_size = prepare(config.data).open(), config.trainer.batch_size
    return {name: repeat(with_loader(plain_trainer(config), images, batch_size, num_workers=0))}
