"""The pictures of an ablation, and its figures: as SVG for the page, as PNG for documents."""

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from PIL import Image

from dcgan.checkerboard.scores import GRADIENT_PHASE_ENERGY, PHASE_ENERGY, SPECTRUM
from dcgan.pictures import phase_tile_picture, spectrum_picture
from dcgan.reports.ablation import Ablation
from dcgan.reports.runs import Arm

Pictures = dict[str, Image.Image]  # by name, each pixel once
STYLE: Any = mpl.rc_params_from_file(
    Path(__file__).with_name("templates") / "figures.mplstyle", use_default_template=False
)


@mpl.rc_context(STYLE)
def svg(figure: Figure) -> str:
    """The figure as an inline SVG that follows the page's text color."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace(STYLE["text.color"], "currentColor")


@mpl.rc_context(STYLE)
def save_png(figure: Figure, path: Path) -> None:
    """The figure on white, for places where no page sets colors."""
    figure.savefig(path, dpi=90, facecolor="white")


@mpl.rc_context(STYLE)
def panels(
    count: int, columns: int, width: float, height: float, below: float = 0
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, each of this size in inches, with room `below` them."""
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows + below), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flatten())
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


@mpl.rc_context(STYLE)
def draw_curves(ablation: Ablation) -> Figure:
    """Every score over images seen: median over seeds as a line, least to most as a band."""
    moments = ablation.moments
    figure, axes = panels(len(ablation.scores), 3, 3.5, 2.6, below=0.7)
    for axis, score in zip(axes, ablation.scores, strict=True):
        for arm, color in colored(ablation.arms):
            values = np.array([arm.values(score.key, moment) for moment in moments])
            if not np.isfinite(values).all():  # κ of dead zones has no bound
                continue
            values[np.abs(values) < 1e-12] = 0  # rounding, where ρ is 0
            axis.plot(moments, np.median(values, 1), color=color, label=wrapped(arm.name))
            axis.fill_between(moments, values.min(1), values.max(1), color=color, alpha=0.15)
        axis.set_title(score.name, loc="left")
        axis.set_xscale("symlog", linthresh=moments[1])
        axis.set(xlabel="images seen", xlim=(0, None))
        if score.logarithmic:
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter("{x:g}")
            low, high = axis.get_ylim()
            axis.yaxis.set_minor_formatter("{x:g}" if high < 12 * low else NullFormatter())
    labeled = axes[0].get_legend_handles_labels()  # named once, for all panels
    figure.legend(*labeled, loc="outside lower center", ncols=min(5, len(ablation.arms)))
    return figure


@mpl.rc_context(STYLE)
def draw_gallery(pictures: Mapping[str, Mapping[int, Pictures]], gradients: bool) -> Figure:
    """A row per arm: two enlarged samples at some moments, then the last spectrum and phase tile.

    Args:
        pictures: `arm_pictures` by arm and images seen.
        gradients: whether to show the tile of D's gradient too, at the start and at the end.
    """
    first, *_, last = moments = list(next(iter(pictures.values())))
    columns = [(m, "crop", f"{m:,} images seen" if m else "untrained") for m in moments]
    columns += [(last, "spectrum", "mean spectrum"), (last, PHASE_ENERGY[2], "pixel phases")]
    if gradients:
        columns += [(first, GRADIENT_PHASE_ENERGY, "∂D/∂x, untrained")]
        columns += [(last, GRADIENT_PHASE_ENERGY, "∂D/∂x, trained")]
    widths = [2 if name == "crop" else 1 for _, name, _ in columns]
    size = (1.3 * sum(widths) + 1.5, 1.4 * len(pictures) + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(pictures), len(columns), squeeze=False, width_ratios=widths)
    for row, (arm, of_arm) in zip(axes, pictures.items(), strict=True):
        for axis, (moment, name, _) in zip(row, columns, strict=True):
            if name in of_arm[moment]:  # tiny images have no phases
                axis.imshow(np.asarray(of_arm[moment][name]), interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(wrapped(arm), rotation=0, ha="right", va="center")
    for axis, (_, _, title) in zip(axes[0], columns, strict=True):
        axis.set_title(title, fontsize=9)
    return figure


def arm_pictures(arm: Arm, images_seen: int) -> Pictures:
    """An arm at one moment: samples of its first seed; means over seeds of spectrum and tiles."""
    pitch = arm.runs[0].config["data"]["image_size"] + 2  # samples stand two pixels apart
    with Image.open(arm.runs[0].samples(images_seen)) as picture:
        samples = picture.convert("RGB")

    def crop(num_columns: int, num_rows: int) -> Image.Image:
        width, height = num_columns * pitch + 2, num_rows * pitch + 2
        return samples.crop((0, 0, min(width, samples.width), min(height, samples.height)))

    power = torch.stack([run.arrays(images_seen)[SPECTRUM] for run in arm.runs]).mean(0)
    return {
        "samples": crop(4, 3),
        "crop": crop(2, 1),
        "spectrum": spectrum_picture(power, enlarge=1),
        **{
            array: phase_tile_picture(energy, enlarge=1)
            for array, energy in arm.pooled(images_seen).items()
        },
    }


def wrapped(name: str, width: int = 34) -> str:
    """An arm's name in several lines, where many settings make it long."""
    return textwrap.fill(name, width, break_long_words=False, break_on_hyphens=False)


def colored(arms: Sequence[Arm]) -> list[tuple[Arm, Any]]:
    """Every arm with its color."""
    colors = mpl.colormaps["tab20" if len(arms) > 10 else "tab10"](np.arange(len(arms)))
    return list(zip(arms, colors, strict=True))
