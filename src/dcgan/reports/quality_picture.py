"""What an evaluation looks like: images by class, the classes' shares, and the nearest copies."""

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dcgan.evaluation.memorization import Nearest
from dcgan.pictures import grid, normalize
from dcgan.reports.figures import STYLE, panels

COLUMNS = 10
ROWS = 10


@mpl.rc_context(STYLE)
def quality_picture(
    images: Tensor,
    probabilities: Tensor | None,
    title: str,
    shares: tuple[list[float], list[float]] | None,
    near: tuple[Nearest, Tensor] | None,
) -> Figure:
    """One to three panels, as far as there is something to show.

    Args:
        images: (N, C, H, W) in [−1, 1], generated.
        probabilities: (N, 10) of their classes.
        shares: of the classes, generated and held out.
        near: the nearest training images of `images`, and the uint8 training images.
    """
    count = 1 + (shares is not None) + (near is not None)
    figure, panes = panels(count, count, 3.7, 4.0)
    axes = iter(panes)
    if probabilities is None:
        _show(next(axes), images[: ROWS * COLUMNS], title)
    else:
        by_class = images[_by_class(probabilities)]
        _show(next(axes), by_class, f"{title}; a column for each class")
    if shares is not None:
        _bars(next(axes), *shares)
    if near is not None and probabilities is not None:
        found, training = near
        closest = _closest(found.distances, probabilities)
        copies = normalize(training[found.indices[closest]])
        pairs = torch.stack([images[closest], copies], dim=1).flatten(0, 1)
        _show(next(axes), pairs, "nearest; right of each: the training image")
    return figure


def _by_class(probabilities: Tensor) -> Tensor:
    """Indices of images, row by row, the column saying the class; a class may repeat its few."""
    classes = probabilities.argmax(1)
    columns = []
    for number in range(COLUMNS):
        members = (classes == number).nonzero().flatten()
        if not len(members):  # nothing is taken for it: what comes nearest
            members = probabilities[:, number].argsort(descending=True)[:1]
        columns.append(members[torch.arange(ROWS) % len(members)])
    return torch.stack(columns, dim=1).flatten()


def _closest(distances: Tensor, probabilities: Tensor) -> Tensor:
    """Indices of the five images of each class that lie nearest to training images, row by row."""
    rows = []
    for number in range(ROWS):
        others = probabilities[: len(distances)].argmax(1) != number
        rows.append(distances.masked_fill(others, torch.inf).argsort()[: COLUMNS // 2])
    return torch.cat(rows)


def _show(axis: Axes, images: Tensor, title: str) -> None:
    axis.imshow(np.asarray(grid(images, num_columns=COLUMNS)))
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def _bars(axis: Axes, generated: list[float], held_out: list[float]) -> None:
    classes = np.arange(len(generated))
    axis.bar(classes - 0.2, np.multiply(generated, 100), 0.4, label="generated")
    axis.bar(classes + 0.2, np.multiply(held_out, 100), 0.4, label="held out")
    axis.set_xticks(classes)
    axis.set_title("classes, % of images", fontsize=9)
    axis.set_ylim(0, 130 * max(*generated, *held_out))  # room for the legend
    axis.legend(loc="upper right", fontsize=8, ncols=2)
