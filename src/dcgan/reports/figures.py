"""The figures of an ablation, as SVG for the page and as PNG for documents."""

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from dcgan.checkerboard.scores import (
    GRADIENT_PHASE_ENERGY,
    PEAK_OVER_REAL,
    PHASE_ENERGY,
    PRESENT,
    Score,
)
from dcgan.files import replacing
from dcgan.pictures import phase_tile_picture, spectrum_picture
from dcgan.reports.ablation import Ablation
from dcgan.reports.runs import Arm

EARLY = 6400  # images seen; the early samples are those scored nearest to this
STYLE: Any = mpl.rc_params_from_file(
    Path(__file__).with_name("templates") / "figures.mplstyle", use_default_template=False
)


@mpl.rc_context(STYLE)
def svg(figure: Figure) -> str:
    """The figure as an inline SVG in the page's text color."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace(STYLE["text.color"], "currentColor")


@mpl.rc_context(STYLE)
def save_png(figure: Figure, path: Path) -> None:
    """Write the figure atomically, on white, for use outside the page."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90, facecolor="white")


@mpl.rc_context(STYLE)
def panels(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, each of this size in inches."""
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flatten())
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def add_legend(figure: Figure) -> None:
    """Name the arms below the panels; the figure grows, so that the panels keep their size."""
    legend = figure.legend(loc="outside lower center", fontsize=7)
    figure.set_figheight(figure.get_figheight() + legend.get_window_extent().height / figure.dpi)


@mpl.rc_context(STYLE)
def draw_curves(ablation: Ablation) -> Figure:
    """Every score over images seen: median over seeds as a line, minimum to maximum as a band."""
    figure, axes = panels(len(ablation.scores), 3, 3.5, 2.9)
    for axis, score in zip(axes, ablation.scores, strict=True):
        _plot(axis, ablation, score)
    labeled = axes[0].get_legend_handles_labels()  # one legend for all panels
    for columns in range(min(5, len(ablation.arms)), 0, -1):
        legend = figure.legend(*labeled, loc="outside lower center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
    return figure


@mpl.rc_context(STYLE)
def draw_curve(ablation: Ablation, score: Score) -> tuple[Figure, list[float]]:
    """One score, without a legend; and where each moment lies, as a share of the figure's width."""
    figure = Figure(figsize=(4.2, 2.8))
    axis = figure.add_axes((0.11, 0.17, 0.85, 0.73))  # the same in every figure
    _plot(axis, ablation, score)
    places = axis.transData.transform([(moment, 1) for moment in ablation.moments])
    return figure, (places[:, 0] / figure.bbox.width).tolist()


def _plot(axis: Axes, ablation: Ablation, score: Score) -> None:
    """Plot a score; the ids of arm i's line and band start with arm{i}-."""
    moments = ablation.moments
    for i, (arm, color) in enumerate(colored(ablation.arms)):
        values = np.array([arm.values(score.key, moment) for moment in moments])
        if not np.isfinite(values).all():  # κ is infinite for dead zones
            continue
        values[np.abs(values) < 1e-12] = 0  # rounding errors, where ρ is 0
        name, style = f"arm{i}-{score.key}", {"color": color}
        middle, low, high = np.median(values, 1), values.min(1), values.max(1)
        axis.plot(moments, middle, gid=f"{name}-line", label=wrapped(arm.name), **style)
        axis.fill_between(moments, low, high, gid=f"{name}-band", alpha=0.15, **style)
    axis.set_title(score.name, loc="left")
    axis.set_xscale("symlog", linthresh=moments[1])
    axis.set(xlabel="images seen", xlim=(0, moments[-1]))
    if score == PEAK_OVER_REAL[2]:
        axis.axhline(PRESENT, color=STYLE["text.color"], linestyle=":", linewidth=1)
    if score.logarithmic:
        use_log_scale(axis)


@mpl.rc_context(STYLE)
def draw_gallery(ablation: Ablation) -> Figure:
    """A row per arm: two samples at the start, early and at the end; spectrum and phase energies.

    Samples come from each arm's first seed; spectrum and energies are means over its seeds.
    """
    arms, (start, *between, end) = ablation.arms, ablation.moments
    early = min(between, key=lambda moment: abs(moment - EARLY), default=end)
    moments = sorted({start, early, end})
    titles = [f"{moment:,} images seen" for moment in moments]
    titles += ["mean spectrum", "pixel phases", "∂D/∂x, start", "∂D/∂x, end"]
    widths = [2] * len(moments) + [1] * 4
    size = (1.3 * sum(widths) + 1.5, 1.4 * len(arms) + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    cells = figure.add_gridspec(len(arms), len(widths), width_ratios=widths)
    axes = cells.subplots(squeeze=False, subplot_kw={"xticks": [], "yticks": [], "frame_on": False})
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    for row, arm in zip(axes, arms, strict=True):
        pictures: list[Any] = [_two_samples(arm, moment) for moment in moments]
        pictures += [spectrum_picture(arm.spectrum(end), enlarge=1)]
        first, last = arm.pooled(start), arm.pooled(end)
        if last:  # the images are large enough
            tiles = last[PHASE_ENERGY[2]], first[GRADIENT_PHASE_ENERGY], last[GRADIENT_PHASE_ENERGY]
            pictures += [phase_tile_picture(tile, enlarge=1) for tile in tiles]
        for axis, picture in zip(row, pictures, strict=False):
            axis.imshow(np.asarray(picture), interpolation="none")
        row[0].set_ylabel(wrapped(arm.name), rotation=0, ha="right", va="center")
    return figure


def _two_samples(arm: Arm, images_seen: int) -> np.ndarray:
    """The first two samples of an arm's first seed, with white between them."""
    samples = arm.runs[0].first_samples(images_seen, 2)
    bordered = np.pad(samples, ((0, 0), (0, 0), (1, 1), (0, 0)), constant_values=255)
    return np.hstack([*bordered])


def use_log_scale(axis: Axes) -> None:
    """A logarithmic y axis labeled with ordinary numbers; also between powers of ten, if few."""
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
    low, high = axis.get_ylim()
    axis.yaxis.set_minor_formatter("{x:g}" if high < 12 * low else NullFormatter())


def wrapped(name: str, width: int = 34) -> str:
    """An arm's name, wrapped if it is long; $ is escaped, as it would start a formula."""
    lines = textwrap.fill(name, width, break_long_words=False, break_on_hyphens=False)
    return lines.replace("$", r"\$")


def colored(arms: Sequence[Arm]) -> list[tuple[Arm, Any]]:
    """Every arm with its color."""
    colors = mpl.colormaps["tab20" if len(arms) > 10 else "tab10"](np.arange(len(arms)))
    return list(zip(arms, colors, strict=True))
