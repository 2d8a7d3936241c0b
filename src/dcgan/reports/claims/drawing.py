"""Plotting shared by the claims' figures."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor


def gallery(
    matrices: Mapping[str, Tensor], numbers: bool = False, same_scale: bool = False
) -> Figure:
    """Titled matrices side by side: red above 0, blue below; optionally with their numbers.

    With `same_scale`, all share one color scale and the size of an entry.
    """
    columns = [matrix.shape[1] if same_scale else 1 for matrix in matrices.values()]
    width = 2.2 * len(matrices)
    figure = Figure(figsize=(width, width * max(columns) / sum(columns)), layout="constrained")
    axes = figure.subplots(1, len(matrices), squeeze=False, width_ratios=columns)[0]
    largest = max(matrix.abs().max().item() for matrix in matrices.values())
    for axis, (title, matrix) in zip(axes, matrices.items(), strict=True):
        end = max(largest if same_scale else matrix.abs().max().item(), 1e-12)

        axis.imshow(matrix.numpy(), cmap="RdBu_r", vmin=-end, vmax=end)
        axis.set_title(title, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
        if numbers:
            for (i, j), value in np.ndenumerate(matrix.numpy()):
                color = "white" if abs(value) > 0.6 * end else "black"
                axis.text(j, i, f"{value:g}", ha="center", va="center", color=color, fontsize=8)
    return figure
