"""Several things timed in turn, round by round, so that a machine that drifts favours none."""

import os
import platform
import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from tqdm import tqdm

from dcgan.processor import cpu_info

Key = TypeVar("Key", bound=Hashable)
Steps = Callable[[int], None]  # does so many steps
BUSY = 0.5  # load beside our own, in cores, from which times say little
MOST_STEPS = 200  # in a turn


@dataclass(frozen=True)
class Quartiles:
    """Of one number over rounds."""

    lower: float
    median: float
    upper: float


def quartiles(values: Sequence[float]) -> Quartiles:
    """The 25th, 50th and 75th percentile."""
    return Quartiles(*np.percentile(values, (25, 50, 75)).tolist())


def interleave(
    arms: Mapping[Key, Steps],
    rounds: int,
    seconds_per_turn: float,
    before_turn: Callable[[], None] = lambda: None,
) -> dict[Key, list[float]]:
    """Seconds a step of every arm in every round.

    Every round has an order of its own. In a turn every arm does the same number of steps, so many
    that the slowest takes about `seconds_per_turn`: 2 … MOST_STEPS. What `before_turn` does is not
    timed, nor the first step of a turn, which finds the caches as the arm before left them.
    """
    seconds: dict[Key, list[float]] = {name: [] for name in arms}
    names = list(arms)
    bar = tqdm(total=rounds * len(arms), desc="timing", unit="arm", leave=False, disable=None)
    with bar:
        for steps_of in arms.values():
            steps_of(2)
        slowest = max(timed(partial(steps_of, 2)) / 2 for steps_of in arms.values())
        steps = min(max(2, round(seconds_per_turn / slowest)), MOST_STEPS)
        order = random.Random(0)
        for _ in range(rounds):
            for name in order.sample(names, len(names)):
                before_turn()
                arms[name](1)
                do = partial(arms[name], steps)
                seconds[name].append(timed(do) / steps)
                bar.update()
    return seconds


def repeat(step: Callable[[], object]) -> Steps:
    """`step`, as many times as is asked for."""

    def steps(number: int) -> None:
        for _ in range(number):
            step()

    return steps


def timed(do: Callable[[], None]) -> float:
    """Seconds that `do` takes, with everything that it left to a GPU."""
    synchronise()
    started = time.perf_counter()
    do()
    synchronise()
    return time.perf_counter() - started


def paired_ratio(slow: Sequence[float], fast: Sequence[float]) -> Quartiles:
    """How many times as long `slow` took, round by round."""
    return quartiles(np.divide(slow, fast).tolist())


def machine(device: torch.device) -> dict[str, Any]:
    """What the times on `device` depend on."""
    return {
        "processor": cpu_info("model name") or platform.processor(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "num_threads": torch.get_num_threads(),
        "load_before": os.getloadavg()[0],
        "torch": torch.__version__,
    }


def busy() -> str | None:
    """A warning if something else seems to run, to be asked before anything is timed."""
    load = os.getloadavg()[0]
    if load <= BUSY:
        return None
    return (
        f"the machine was busy: load {load:.2f} in the minute before, above {BUSY}: times say"
        " little; wait a minute once nothing else runs"
    )


def synchronise() -> None:
    """Wait for what was left to a GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
