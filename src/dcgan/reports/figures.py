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
from PIL import Image

from dcgan.checkerboard.scores import (
    AMPLITUDE_OVER_STD,
    GRADIENT_CONTRAST,
    GRADIENT_PHASE_ENERGY,
    IMBALANCE,
    PHASE_ENERGY,
    SPECTRUM,
    STAMP,
    Score,
)
from dcgan.pictures import phase_tile_picture, spectrum_picture
from dcgan.reports.ablation import Ablation
from dcgan.reports.runs import Arm

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
def save_png(figure: Figure, path: Path) -> str:
    """The figure on white, for places where no page sets colors; returns the file's name."""
    figure.savefig(path, dpi=90, facecolor="white")
    return path.name


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
def draw(ablation: Ablation) -> dict[str, Figure]:
    """The figures by name; those of the last block's kernel only if every arm has one."""
    drawn = {"gallery": _gallery(ablation), "curves": _curves(ablation)}
    if (imbalance := ablation.imbalance) is not None:
        drawn["profiles"] = _profiles(ablation, imbalance)
        if AMPLITUDE_OVER_STD[2] in ablation.scores:
            drawn["correlation"] = _correlation(ablation, imbalance)
    return drawn


def _curves(ablation: Ablation) -> Figure:
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
    _legend_below(figure, axes[0], min(5, len(ablation.arms)))
    return figure


def _profiles(ablation: Ablation, imbalance: Score) -> Figure:
    """The last block's stamp along one axis, early to late, beside the balanced triangle.

    RMS of its rows, mean over seeds, without the zeros around it; the largest is 1. The triangle is
    linear interpolation by 2, sampled at so many taps: balanced from 2 taps on.
    """
    arms, moments = ablation.arms, ablation.shown_moments
    stamp = imbalance.key.replace(IMBALANCE.key, STAMP)
    figure, axes = panels(len(arms), min(5, len(arms)), 2.1, 1.9, below=0.5, sharey=True)
    shades = mpl.colormaps["viridis"](np.linspace(0.85, 0.15, len(moments)))
    for axis, arm in zip(axes, arms, strict=True):
        for moment, color in zip(moments, shades, strict=True):
            energies = [np.square(run.arrays(moment)[stamp]).sum(0) for run in arm.runs]
            profile = np.sqrt(np.mean(energies, axis=0))
            inside = np.flatnonzero(profile > 1e-9 * profile.max())
            profile = profile[inside[0] : inside[-1] + 1] / profile.max()
            axis.plot(profile, ".-", color=color, label=f"{moment:,} images")
        length = len(profile)
        distance = np.abs(np.arange(length) - (length - 1) / 2)
        triangle = np.clip(1 - distance / 2, 0, None)
        axis.plot(triangle / triangle.max(), "--", color="0.55", label="triangle")
        axis.set_title(wrapped(arm.name), fontsize=9)
        axis.set_xticks(range(length))
    _legend_below(figure, axes[0], len(moments) + 1)
    return figure


def _correlation(ablation: Ablation, imbalance: Score) -> Figure:
    """The last block's ρ(M) against A₂ ÷ std, a point for every run and moment."""
    scores = imbalance, AMPLITUDE_OVER_STD[2]
    figure, (axis,) = panels(1, 1, 5.5, 3.6)
    for arm, color in colored(ablation.arms):
        x, y = ([v for m in ablation.moments for v in arm.values(s.key, m)] for s in scores)
        axis.plot(x, y, ".", color=color, alpha=0.8, label=wrapped(arm.name))
    axis.set_xscale("symlog", linthresh=1e-3)
    axis.set_yscale("symlog", linthresh=1e-3)
    axis.set(xlabel=scores[0].name, ylabel=scores[1].name)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def _gallery(ablation: Ablation) -> Figure:
    """A row per arm: two enlarged samples at some moments, then the last spectrum and phase tile.

    Samples are those of each arm's first seed; spectrum and tile are means over its seeds. Where
    discriminators are compared, the tile of D's gradient too, at the start and at the end.
    """
    moments = ablation.shown_moments
    titles = [f"{moment:,} images seen" if moment else "untrained" for moment in moments]
    titles += ["mean spectrum", "pixel phases"]
    gradients = any(c.score == GRADIENT_CONTRAST for c in ablation.comparisons)
    if gradients:
        titles += ["∂D/∂x, untrained", "∂D/∂x, trained"]
    widths = [2] * len(moments) + [1] * (len(titles) - len(moments))
    size = (1.3 * sum(widths) + 1.5, 1.4 * len(ablation.arms) + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(ablation.arms), len(widths), squeeze=False, width_ratios=widths)
    for row, arm in zip(axes, ablation.arms, strict=True):
        ends = moments[0], moments[-1]
        pictures = [
            *(_crop(arm, moment, 2, 1, enlarge=3) for moment in moments),
            _spectrum(arm, moments[-1]),
            _tile(arm, moments[-1]),
            *(_tile(arm, m, GRADIENT_PHASE_ENERGY) for m in ends if gradients),
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


def arm_pictures(arm: Arm, images_seen: int) -> dict[str, Image.Image | None]:
    """What the page shows of one arm at one moment."""
    return {
        "samples": _crop(arm, images_seen, 4, 3, enlarge=2),
        "crop": _crop(arm, images_seen, 2, 1, enlarge=4),
        "spectrum": _spectrum(arm, images_seen),
        "tile": _tile(arm, images_seen),
        "discriminator_tile": _tile(arm, images_seen, GRADIENT_PHASE_ENERGY),
    }


def _crop(arm: Arm, images_seen: int, num_columns: int, num_rows: int, enlarge: int) -> Image.Image:
    """The first samples of an arm's first seed, enlarged by whole pixels."""
    pitch = arm.image_size + 2  # samples stand two pixels apart
    with Image.open(arm.runs[0].samples(images_seen)) as picture:
        width = min(num_columns * pitch + 2, picture.width)
        height = min(num_rows * pitch + 2, picture.height)
        part = picture.convert("RGB").crop((0, 0, width, height))
        return part.resize((width * enlarge, height * enlarge), Image.Resampling.NEAREST)


def _spectrum(arm: Arm, images_seen: int) -> Image.Image:
    """The mean power spectrum over an arm's seeds."""
    power = np.mean([run.arrays(images_seen)[SPECTRUM] for run in arm.runs], axis=0)
    return spectrum_picture(torch.from_numpy(power), enlarge=4)


def _tile(arm: Arm, images_seen: int, of: str = PHASE_ENERGY[2]) -> Image.Image | None:
    """The energy of fine detail by pixel phase, pooled over seeds; None for tiny images."""
    if of not in arm.runs[0].arrays(images_seen):
        return None
    energy = torch.from_numpy(arm.pooled(of, images_seen))
    return phase_tile_picture(energy, enlarge=32)


def wrapped(name: str, width: int = 34) -> str:
    """An arm's name in several lines, where many settings make it long."""
    return textwrap.fill(name, width, break_long_words=False, break_on_hyphens=False)


def colored(arms: Sequence[Arm]) -> list[tuple[Arm, Any]]:
    """Every arm with its color."""
    colors = mpl.colormaps["tab20" if len(arms) > 10 else "tab10"](np.arange(len(arms)))
    return list(zip(arms, colors, strict=True))


def _legend_below(figure: Figure, axis: Axes, columns: int) -> None:
    """What `axis` shows is named for all panels."""
    labeled = axis.get_legend_handles_labels()
    figure.legend(*labeled, loc="outside lower center", ncols=columns)
