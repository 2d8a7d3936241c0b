"""What the claims' figures have in common."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dcgan.reports.figures import panels


def row(count: int, width: float = 2.2, height: float = 2.2) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels side by side."""
    return panels(count, count, width, height)


def show(
    axis: Axes, values: Tensor, title: str, numbers: bool = False, limit: float | None = None
) -> None:
    """A matrix as colors about 0 (blue below), up to `limit`; and as numbers if asked."""
    limit = max(values.abs().max().item(), 1e-12) if limit is None else limit
    axis.imshow(values.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(title, fontsize=9)
    axis.set(xticks=[], yticks=[])
    if numbers:
        for i, line in enumerate(values.tolist()):
            for j, value in enumerate(line):
                dark = abs(value) > 0.6 * limit
                color = "white" if dark else "black"
                axis.text(j, i, f"{value:g}", ha="center", va="center", color=color, fontsize=8)


def gallery(
    values: Sequence[Tensor], titles: Sequence[str], numbers: bool = False, one_scale: bool = False
) -> Figure:
    """Matrices side by side, each with colors of its own scale unless `one_scale`."""
    limit = max(value.abs().max().item() for value in values) if one_scale else None
    figure, axes = row(len(values))
    for axis, value, title in zip(axes, values, titles, strict=True):
        show(axis, value, title, numbers, limit)
    return figure
