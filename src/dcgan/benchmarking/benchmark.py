"""The work of dcgan-benchmark: run every arm in turn and compare the time per step, or a race.

The time per step is the difference between a long and a short run, divided by the difference in
steps: startup, and what a run writes at its start and end, cancel out.
"""

import logging
import os
import platform
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from dcgan.benchmarking.arms import ARMS, BASELINE, OURS, Arm, command_of, run, size_settings
from dcgan.benchmarking.baseline import Baseline
from dcgan.benchmarking.beside import TURNS, comparisons, quartiles, time_in_turn
from dcgan.benchmarking.race import race
from dcgan.config import BenchmarkConfig, TrainConfig
from dcgan.data.preparation import prepare
from dcgan.errors import UserError
from dcgan.files import make_folder, write_json, write_text
from dcgan.processor import cpu_info
from dcgan.progress import progress
from dcgan.reports.page import render

BUSY = 0.5  # load from other programs, in cores, above which timings are unreliable

log = logging.getLogger(__name__)


def benchmark(
    config: BenchmarkConfig,
    run_dir: Path,
    environment: Mapping[str, str],
    compose: Callable[..., TrainConfig],
) -> None:
    """Time every arm at every size, or `beside`, or a race; write result.json and benchmark.txt.

    Args:
        environment: the environment of every command.
        compose: settings of dcgan-train in, their config out.

    Raises:
        UserError: settings or data cannot be used, or there are no features for the data.
        MachineError, RunFailed: a command fails.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > BUSY:
        log.warning("the machine is busy, timings are unreliable: load %.2f (over %s)", load, BUSY)
    sizes = [] if config.race else compose_sizes(config, compose)
    in_turn = comparisons(config, compose) if config.beside and not config.race else []
    turns = TURNS * config.rounds
    for each in sizes + [each for configs in in_turn for each in configs.values()]:
        prepare(each.data)  # or refuse it, before anything is timed
    make_folder(run_dir)
    if config.race:
        template, rows = "race.txt", race(config, run_dir, environment)
    elif in_turn:
        template = "beside.txt"
        rows = [row for configs in in_turn for row in time_in_turn(configs, turns)]
    else:
        template, rows = "benchmark.txt", []
        for size in config.sizes:
            with TemporaryDirectory(dir=run_dir, prefix="runs-") as folder:
                settings, runs = take_turns(size, config, Path(folder), environment)
            rows += compare(size, settings, runs)
    result = {
        "processor": cpu_info("model name") or platform.processor(),
        "num_threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load_before": load,
        **asdict(config),
        "rows": rows,
    }
    write_json(run_dir / "result.json", result)
    text = render(template, busy=load > BUSY, turns=turns, **result)
    write_text(run_dir / "benchmark.txt", text)


def compose_sizes(
    config: BenchmarkConfig, compose: Callable[..., TrainConfig]
) -> list[TrainConfig]:
    """The settings of dcgan-train at every size.

    Raises:
        UserError: they cannot be used, or set another image size.
    """
    composed = []
    for pixels, *_ in config.sizes:
        each = compose(*size_settings(pixels), *config.overrides)
        if each.data.image_size != pixels:
            raise UserError(
                f"overrides=[{','.join(config.overrides)}]: data.image_size={each.data.image_size}"
                f" contradicts sizes, which has {pixels}; set it in sizes only"
            )
        composed.append(each)
    return composed


def take_turns(
    size: Sequence[int], config: BenchmarkConfig, folder: Path, environment: Mapping[str, str]
) -> tuple[dict[str, Any], dict[Arm, list[Any]]]:
    """Run every arm at one size once per round, in a random order.

    Returns:
        Our config.yaml; and for every arm (rounds, 2), seconds of the short run and the long one.
    """
    pixels, *lengths = size
    settings = folder / "ours" / "config.yaml"

    def train(arm: Arm, steps: int, run_dir: Path) -> float:
        command = command_of(arm, pixels, steps, config.overrides, settings, run_dir)
        return run(command, environment)

    # Not timed: our run tells the baseline which networks to build, and both warm up.
    train(OURS[0], 1, settings.parent)
    train(BASELINE, 1, folder / "baseline")
    runs: dict[Arm, list[Any]] = {arm: [] for arm in ARMS}
    order = random.Random(0)
    turns = [arm for _ in range(config.rounds) for arm in order.sample(list(runs), len(runs))]
    for arm in progress(turns, desc=f"{pixels}x{pixels}", unit="arm"):
        runs[arm].append([train(arm, steps, folder / str(steps)) for steps in lengths])
        for steps in lengths:
            shutil.rmtree(folder / str(steps))
    return yaml.safe_load(settings.read_text(encoding="utf-8")), runs


def compare(
    size: Sequence[int], settings: dict[str, Any], runs: Mapping[Arm, list[Any]]
) -> list[dict[str, Any]]:
    """A row for every arm, from the result of `take_turns`; spreads are quartiles over rounds."""
    pixels, short, long = size
    step = {arm: np.diff(seconds)[:, 0] / (long - short) for arm, seconds in runs.items()}
    baseline, batch_size = Baseline(settings), settings["trainer"]["batch_size"]
    real = torch.zeros(batch_size, settings["data"]["channels"], pixels, pixels)
    gflop = step_gflop(baseline, real.to(baseline.device))
    peaks = {arm.precision: peak_gflops(arm.precision, baseline.device) for arm in OURS}
    rows = []
    for arm, seconds in step.items():
        steps_per_second = 1 / float(np.median(seconds))
        gflops = gflop[arm in OURS] * steps_per_second
        rows.append(
            {
                "device": baseline.device.type,
                "pixels": pixels,
                "name": arm.name,
                "precision": arm.precision,
                "ms": quartiles(1000 * seconds),
                "images_per_second": batch_size * steps_per_second,
                "ratio_to_baseline": quartiles(step[BASELINE] / seconds),  # one ratio per round
                "gflops": gflops,
                "share_of_peak": gflops / peaks[arm.precision],
                "runs": runs[arm],
            }
        )
    return rows


def peak_gflops(precision: str, device: torch.device) -> float:
    """GFLOP/s that a large convolution reaches in this precision: the best within one second."""
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    to: dict[str, Any] = {"dtype": dtype, "memory_format": torch.channels_last}
    layer = nn.Conv2d(256, 256, 3, padding=1, bias=False, device=device).requires_grad_(False)
    x = torch.randn(16, 256, 32, 32, device=device).to(**to)
    timed = {"layer": layer.to(**to), "x": x}
    timer = Timer("layer(x)", globals=timed, num_threads=torch.get_num_threads())
    return 2 * x.numel() * 256 * 9 / min(timer.blocked_autorange(min_run_time=1).times) / 1e9


def step_gflop(baseline: Baseline, real: Tensor) -> list[float]:
    """Operations in the convolutions and matrix products of a step, in units of 10⁹.

    Returns:
        The baseline's, and ours. Ours skip the gradients of D's weights while G learns, which cost
        as much as a pass through D. Regularizers are not counted.
    """
    counts = []
    latents = baseline.draw_latents(len(real))
    for do in (lambda: baseline.step(real, latents), lambda: baseline.discriminator(real)):
        with FlopCounterMode(display=False) as counter:
            do()
        counts.append(counter.get_total_flops() / 1e9)
    step, discriminator = counts
    return [step, step - discriminator]
