"""What tracking and checkpoints cost: the same steps with and without them, in turn."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from dcgan.config import BenchmarkConfig
from dcgan.data.preparation import prepare
from dcgan.training.loop import make_fabric
from dcgan.training.recorder import Recorder
from dcgan.training.state import build_state
from dcgan.training.step import train_step
from dcgan.training.tracking import Tracker


def measure_overhead(config: BenchmarkConfig) -> dict[str, Any]:
    """Time rounds of steps with everything that a run writes, and without, one after the other.

    Returns:
        inside_share: seconds spent in tracking and checkpoints ÷ seconds of those rounds;
        paired_ratio: quartiles over rounds of (with ÷ without), which also sees what tracking does
        to the steps between; seconds of every round.
    """
    fabric = make_fabric(config.trainer)
    state = build_state(config, prepare(config.data), fabric)
    num_steps = config.rounds * config.steps_per_round * 2
    # No step here is a run's last one, which does everything at once.
    trainer = replace(config.trainer, steps=num_steps + 1)
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as folder, tqdm(total=num_steps, disable=None) as bar:
        tracker = Tracker(Path(folder))
        recorder = Recorder(
            replace(config, trainer=trainer), state, tracker, Path(folder) / "last.pt"
        )
        for _ in range(10):  # warm up
            train_step(state, fabric)
        state.step = 0
        for number in range(config.rounds):
            # Each goes first in every other round: a machine that drifts favours neither.
            for name in ("with", "without") if number % 2 == 0 else ("without", "with"):
                started = time.perf_counter()
                for _ in range(config.steps_per_round):
                    result = train_step(state, fabric)
                    if name == "with":
                        recorder.after_step(result)
                    bar.update()
                seconds[name].append(time.perf_counter() - started)
        tracker.close()
    ratios = np.array(seconds["with"]) / np.array(seconds["without"])
    quartiles = np.percentile(ratios, (25, 50, 75)).tolist()
    return {
        "rounds": config.rounds,
        "steps_per_round": config.steps_per_round,
        "inside_share": recorder.seconds / sum(seconds["with"]),
        "paired_ratio": dict(zip(("lower", "median", "upper"), quartiles, strict=True)),
        "seconds": seconds,
        "num_threads": torch.get_num_threads(),
    }
