"""How a step's cost grows with batch size, filters and resolution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from dcgan.benchmarking.comparison import resized
from dcgan.benchmarking.ours import steps_of
from dcgan.benchmarking.timing import Quartiles, interleave, quartiles
from dcgan.config import TrainConfig
from dcgan.reports.figures import STYLE

BATCH_SIZES = (16, 32, 64, 128)
FILTERS = (8, 16, 32, 64)
IMAGE_SIZES = (16, 32, 64)


@dataclass(frozen=True)
class Curve:
    """ms a step over one setting; the others stay."""

    setting: str
    values: Sequence[int]
    ms: Sequence[Quartiles]
    exponent: float  # of the power law through the medians


def curve_cases(config: TrainConfig) -> dict[str, dict[int, TrainConfig]]:
    """By setting and value what `measure_curves` times: images are drawn, so any size will do.

    Raises:
        UserError: `config` does not fit one of the sizes.
    """
    return {
        "batch size": {n: _drawn(config, batch_size=n) for n in BATCH_SIZES},
        "filters": {n: resized(_drawn(config), filters=n) for n in FILTERS},
        "image size": {n: resized(_drawn(config), image_size=n) for n in IMAGE_SIZES},
    }


def measure_curves(
    cases: Mapping[str, Mapping[int, TrainConfig]], rounds: int, seconds_per_turn: float
) -> list[Curve]:
    """Time our step for several values of each setting, all of them interleaved."""
    arms = {
        (setting, value): steps_of(case)
        for setting, by_value in cases.items()
        for value, case in by_value.items()
    }
    seconds = interleave(arms, rounds, seconds_per_turn)
    curves = []
    for setting, by_value in cases.items():
        values = list(by_value)
        ms = [quartiles([1000 * t for t in seconds[setting, value]]) for value in values]
        curves.append(Curve(setting, values, ms, fit_exponent(values, [q.median for q in ms])))
    return curves


def fit_exponent(values: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent b of costs ≈ a·values^b, by least squares of the logarithms."""
    slope, _ = np.polyfit(np.log(values), np.log(costs), 1)
    return float(slope)


def draw_curves(curves: Sequence[Curve]) -> Figure:
    """A panel for each setting, both axes logarithmic; bars: quartiles."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.2 * len(curves), 3), layout="constrained")
        axes = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
        for axis, curve in zip(axes, curves, strict=True):
            medians = [q.median for q in curve.ms]
            below = [q.median - q.lower for q in curve.ms]
            above = [q.upper - q.median for q in curve.ms]
            axis.errorbar(curve.values, medians, [below, above], fmt="o-", capsize=3)
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xticks(curve.values, [str(value) for value in curve.values])
            axis.set_xlabel(curve.setting)
            axis.set_title(f"~ {curve.setting}^{curve.exponent:.2f}", fontsize=9)
        axes[0].set_ylabel("ms a step")
    return figure


def _drawn(config: TrainConfig, batch_size: int | None = None) -> TrainConfig:
    """The same run on drawn images."""
    batch_size = batch_size or config.trainer.batch_size
    data = replace(config.data, source="synthetic", root=None, crop=None, num_images=batch_size)
    return replace(config, data=data, trainer=replace(config.trainer, batch_size=batch_size))
