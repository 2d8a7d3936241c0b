"""The figures of an ablation: drawn once, as SVG for the page and as PNG for documents."""

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray
from PIL import Image

from dcgan.checkerboard.scores import (
    AMPLITUDE_OVER_STD,
    GRADIENT_PHASE_ENERGY,
    IMBALANCE,
    PHASE_ENERGY,
    SPECTRUM,
    STAMP,
    Score,
)
from dcgan.pictures import phase_tile_picture, spectrum_picture
from dcgan.reports.runs import Arm

INK = "#123457"  # stands for the page's text color, whatever that is, in an inline SVG
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
}
ENLARGE = 3  # samples, by whole pixels


def svg(figure: Figure) -> str:
    """The figure as an inline SVG that follows the page's text color."""
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": "dcgan"}):
        figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace(INK, "currentColor")


@mpl.rc_context(STYLE)
def save_png(figure: Figure, path: Path) -> None:
    """The figure on white, for places where no page sets colors."""
    figure.savefig(path, dpi=90, facecolor="white")


@mpl.rc_context(STYLE)
def panels(
    count: int, columns: int, width: float, height: float, below: float = 0, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, each of this size in inches, with room `below` them."""
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows + below), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flatten())
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


@mpl.rc_context(STYLE)
def curves(arms: Sequence[Arm], scores: Sequence[Score], moments: Sequence[int]) -> Figure:
    """Every score over images seen: median over seeds as a line, least to most as a band."""
    figure, axes = panels(len(scores), 3, 3.5, 2.6, below=0.7)
    for axis, score in zip(axes, scores, strict=True):
        for arm, color in zip(arms, arm_colors(len(arms)), strict=True):
            values = np.array([arm.values(score.key, moment) for moment in moments])
            if not np.isfinite(values).all():  # κ of dead zones has no bound
                continue
            values[np.abs(values) < 1e-12] = 0  # rounding, where ρ is 0
            axis.plot(moments, np.median(values, 1), color=color, label=wrapped(arm.name))
            axis.fill_between(moments, values.min(1), values.max(1), color=color, alpha=0.15)
        axis.set_title(score.name, loc="left")
        _images_axis(axis, moments)
        if score.logarithmic:
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter("{x:g}")
            low, high = axis.get_ylim()
            axis.yaxis.set_minor_formatter("{x:g}" if high < 12 * low else NullFormatter())
    labeled = axes[0].get_legend_handles_labels()
    figure.legend(*labeled, loc="outside lower center", ncols=min(5, len(arms)))
    return figure


@mpl.rc_context(STYLE)
def profiles(arms: Sequence[Arm], score: Score, moments: Sequence[int]) -> Figure:
    """The last block's stamp along one axis, early to late, beside the balanced triangle.

    Args:
        score: ρ(M) of the last block.
    """
    stamp = score.key.replace(IMBALANCE.key, STAMP)
    figure, axes = panels(len(arms), min(5, len(arms)), 2.1, 1.9, below=0.5, sharey=True)
    shades = mpl.colormaps["viridis"](np.linspace(0.85, 0.15, len(moments)))
    for axis, arm in zip(axes, arms, strict=True):
        for moment, color in zip(moments, shades, strict=True):
            profile = _profile(arm, stamp, moment)
            axis.plot(profile, ".-", color=color, label=f"{moment:,} images")
        length = len(profile)
        axis.plot(_triangle(length), "--", color="0.55", label="triangle")
        axis.set_title(wrapped(arm.name), fontsize=9)
        axis.set_xticks(range(length))
    labeled = axes[0].get_legend_handles_labels()
    figure.legend(*labeled, loc="outside lower center", ncols=len(moments) + 1)
    return figure


@mpl.rc_context(STYLE)
def correlation(arms: Sequence[Arm], score: Score, moments: Sequence[int]) -> Figure:
    """The last block's ρ(M) against A₂ ÷ std, a point for every run and moment."""
    share = AMPLITUDE_OVER_STD[2]
    figure, (axis,) = panels(1, 1, 5.5, 3.6)
    for arm, color in zip(arms, arm_colors(len(arms)), strict=True):
        x = [v for m in moments for v in arm.values(score.key, m)]
        y = [v for m in moments for v in arm.values(share.key, m)]
        axis.plot(x, y, ".", color=color, alpha=0.8, label=wrapped(arm.name))
    axis.set_xscale("symlog", linthresh=1e-3)
    axis.set_yscale("symlog", linthresh=1e-3)
    axis.set(xlabel=score.name, ylabel=share.name)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


@mpl.rc_context(STYLE)
def gallery(
    arms: Sequence[Arm], moments: Sequence[int], gradients: bool = False, num_images: int = 2
) -> Figure:
    """A row per arm: enlarged samples at some moments, then the last spectrum and phase tile.

    Samples are those of each arm's first seed; spectrum and tile are means over its seeds.

    Args:
        gradients: show the tile of the discriminator's gradient too, at the start and at the end.
    """
    titles = [f"{moment:,} images seen" if moment else "untrained" for moment in moments]
    titles += ["mean spectrum", "pixel phases"]
    if gradients:
        titles += ["∂D/∂x, untrained", "∂D/∂x, trained"]
    widths = [num_images] * len(moments) + [1] * (len(titles) - len(moments))
    size = (1.3 * sum(widths) + 1.5, 1.4 * len(arms) + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(arms), len(widths), squeeze=False, width_ratios=widths)
    for row, arm in zip(axes, arms, strict=True):
        pictures: list[Image.Image | None] = [crop(arm, m, num_images) for m in moments]
        pictures += [spectrum_image(arm, moments[-1]), tile_image(arm, moments[-1])]
        if gradients:
            pictures += [
                tile_image(arm, m, GRADIENT_PHASE_ENERGY) for m in (moments[0], moments[-1])
            ]
        for axis, picture in zip(row, pictures, strict=True):
            if picture is not None:
                axis.imshow(np.asarray(picture), interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(wrapped(arm.name), rotation=0, ha="right", va="center")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    return figure


def crop(
    arm: Arm, images_seen: int, num_columns: int, num_rows: int = 1, enlarge: int = ENLARGE
) -> Image.Image:
    """The first samples of an arm's first seed, enlarged by whole pixels."""
    pitch = arm.image_size + 2  # samples stand two pixels apart
    with Image.open(arm.runs[0].samples(images_seen)) as picture:
        width = min(num_columns * pitch + 2, picture.width)
        height = min(num_rows * pitch + 2, picture.height)
        part = picture.convert("RGB").crop((0, 0, width, height))
        return part.resize((width * enlarge, height * enlarge), Image.Resampling.NEAREST)


def spectrum_image(arm: Arm, images_seen: int) -> Image.Image:
    """The mean power spectrum over an arm's seeds."""
    power = np.mean([run.arrays(images_seen)[SPECTRUM] for run in arm.runs], axis=0)
    return spectrum_picture(torch.from_numpy(power), enlarge=4)


def tile_image(arm: Arm, images_seen: int, of: str = PHASE_ENERGY[2]) -> Image.Image | None:
    """The energy of fine detail by pixel phase, pooled over seeds; None for tiny images."""
    if of not in arm.runs[0].arrays(images_seen):
        return None
    energy = torch.from_numpy(arm.pooled(of, images_seen))
    return phase_tile_picture(energy, enlarge=32)


def wrapped(name: str, width: int = 34) -> str:
    """An arm's name in several lines, where many settings make it long."""
    return textwrap.fill(name, width, break_long_words=False, break_on_hyphens=False)


def arm_colors(count: int) -> NDArray[np.float64]:
    """A color for each arm."""
    colormap = mpl.colormaps["tab20" if count > 10 else "tab10"]
    return np.asarray(colormap(np.arange(count)))


def _images_axis(axis: Axes, moments: Sequence[int]) -> None:
    positive = [moment for moment in moments if moment]
    axis.set_xscale("symlog", linthresh=min(positive, default=1))
    axis.set_xlabel("images seen")
    axis.set_xlim(left=0)


def _profile(arm: Arm, stamp: str, moment: int) -> NDArray[np.float64]:
    """RMS of the stamp's rows, mean over seeds, largest 1; without the zeros around it."""
    energies = [np.square(run.arrays(moment)[stamp]).sum(0) for run in arm.runs]
    profile = np.sqrt(np.mean(energies, axis=0))
    inside = np.flatnonzero(profile > 1e-9 * profile.max())
    profile = profile[inside[0] : inside[-1] + 1]
    scaled: NDArray[np.float64] = profile / profile.max()
    return scaled


def _triangle(length: int) -> NDArray[np.float64]:
    """Linear interpolation by 2, sampled at so many taps: balanced from 2 taps on; largest 1."""
    distance = np.abs(np.arange(length) - (length - 1) / 2)
    triangle = np.clip(1 - distance / 2, 0, None)
    scaled: NDArray[np.float64] = triangle / triangle.max()
    return scaled
