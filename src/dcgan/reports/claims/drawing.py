"""What the claims' figures have in common."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor


def row(count: int, width: float = 2.2, height: float = 2.2) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels side by side."""
    figure = Figure(figsize=(width * count, height), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def gallery(
    matrices: Mapping[str, Tensor], numbers: bool = False, limit: float | None = None
) -> Figure:
    """Matrices side by side, by title: red above 0, blue below; and as numbers if asked.

    The colors end at `limit`, by default each matrix's largest absolute value.
    """
    figure, axes = row(len(matrices))
    for axis, (title, matrix) in zip(axes, matrices.items(), strict=True):
        end = limit or max(matrix.abs().max().item(), 1e-12)
        axis.imshow(matrix.numpy(), cmap="RdBu_r", vmin=-end, vmax=end)
        axis.set_title(title, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
        if numbers:
            for (i, j), value in np.ndenumerate(matrix.numpy()):
                color = "white" if abs(value) > 0.6 * end else "black"
                axis.text(j, i, f"{value:g}", ha="center", va="center", color=color, fontsize=8)
    return figure
