"""What a setting adds to the cost of a training step: several runs take turns in one process.

Turns that follow one another meet the same disturbances. So the median of their ratios is accurate
to a percent or two, where commands that run minutes apart differ by a fifth.
"""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.benchmarking.arms import size_settings
from dcgan.config import BenchmarkConfig, TrainConfig
from dcgan.data.preparation import prepare
from dcgan.progress import progress
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected
from dcgan.training.memory import keep_freed_memory
from dcgan.training.step import State, train_step

TURNS = 40  # of every run, per round


def comparisons(
    config: BenchmarkConfig, compose: Callable[..., TrainConfig]
) -> list[dict[str, TrainConfig]]:
    """What to time in turn, for every size and precision: the defaults twice, then `beside`.

    Args:
        compose: settings of dcgan-train in, their config out.

    Raises:
        UserError: the settings of a run cannot be used.
    """
    words: dict[str, tuple[str, ...]] = {"defaults": (), "defaults, again": ()}  # again: the noise
    words |= {word: (word,) for word in config.beside}
    return [
        {
            name: compose(
                *size_settings(pixels),
                *config.overrides,
                f"trainer.precision={precision}",
                *word,
            )
            for name, word in words.items()
        }
        for pixels, *_ in config.sizes
        for precision in ("32-true", "bf16-mixed")
    ]


def time_in_turn(configs: Mapping[str, TrainConfig], turns: int) -> list[dict[str, Any]]:
    """Time the steps of runs that take turns, in a random order.

    Returns:
        A row for every run: its name, size and precision, and quartiles over turns of the
        milliseconds per step, and of their ratio to those of the first run in the same turn.
    """
    keep_freed_memory()
    first = next(iter(configs.values()))
    with ExitStack() as stack:
        states = {}
        for name, each in configs.items():
            fabric = stack.enter_context(connected(each.trainer))  # of its own: it has a precision
            states[name] = build_state(each, prepare(each.data), fabric)
        for state in states.values():  # not timed: the first steps allocate memory
            run_steps(state)
        seconds: dict[str, list[float]] = {name: [] for name in states}
        order = random.Random(0)
        label = f"{first.data.image_size}x{first.data.image_size}, {first.trainer.precision}"
        for _ in progress(range(turns), desc=label, unit="turn"):
            for name in order.sample(list(states), len(states)):
                seconds[name].append(run_steps(states[name]))
    times = {name: np.asarray(values) for name, values in seconds.items()}
    reference = next(iter(times.values()))
    return [
        {
            "pixels": first.data.image_size,
            "precision": first.trainer.precision,
            "name": name,
            "ms": quartiles(1000 * values),
            "ratio": quartiles(values / reference),
        }
        for name, values in times.items()
    ]


def run_steps(state: State) -> float:
    """Run one turn: a step, or all steps from one penalty to the next; seconds per step."""
    regularizer = state.config.regularizer
    steps = 1 if regularizer.kind == "none" else regularizer.interval
    started = time.perf_counter()
    for _ in range(steps):
        result = train_step(state)
    result.losses.sum().item()  # on a GPU: wait for the last step
    return (time.perf_counter() - started) / steps


def quartiles(values: NDArray[np.float64]) -> list[float]:
    """The 25th, 50th and 75th percentile."""
    found: list[float] = np.percentile(values, (25, 50, 75)).tolist()
    return found
