"""Spectral lines: patterns of any period from 2 to 16 in a set of images.

A pattern that repeats every P pixels has power only at multiples of 1/P. Each of these frequencies
is a line, and belongs to the smallest period that has it: of the lines of a period-8 pattern, some
belong to periods 4 and 2. A line is compared with the frequencies around it, in every image by
itself, so that a few images full of detail do not hide what the others show.
"""

from dataclasses import dataclass
from math import gcd

import torch
from scipy import stats
from torch import Tensor

from dcgan.checkerboard.images import (
    ROUNDING_NOISE,
    amplitude,
    bins_and_neighbors,
    image_spectra,
    mean_spectrum,
)

PERIODS = range(2, 17)
SPACING = 4  # frequency bins from one line of a period to the next, at least
LEVEL = 0.05


def measurable_periods(height: int, width: int) -> list[int]:
    """The periods whose lines can be told apart in images of this size."""
    return [period for period in PERIODS if min(height, width) // period >= SPACING]


def own_lines(period: int) -> list[tuple[int, int]]:
    """The lines that belong to a period, as (row, column) frequencies in units of 1/period.

    Of two opposite frequencies, whose power is equal, only one is listed.
    """
    return [
        (row, column)
        for row in range(period)
        for column in range(period // 2 + 1)
        if gcd(row, column, period) == 1 and (2 * column % period or 2 * row <= period)
    ]


@dataclass(frozen=True)
class Lines:
    """The lines of one period, measured in N images."""

    side: int  # pixels on a side that were used: a multiple of the period
    logs: Tensor  # (N, K): ln(power ÷ that of the neighbors), per image, for `own_lines`
    excess: Tensor  # (K,): power above the neighbors', of a typical image (geometric means)
    amplitude: float  # RMS of the pattern on the [−1, 1] scale; negative: below the background


def measure_lines(images: Tensor) -> dict[int, Lines]:
    """The lines of every testable period in (N, C, H, W) images in [−1, 1].

    For a period that does not divide H and W, images are cropped to the largest multiple that does.
    """
    sides: dict[int, list[int]] = {}
    for period in measurable_periods(*images.shape[-2:]):
        sides.setdefault(min(images.shape[-2:]) // period * period, []).append(period)
    measured = {}
    for side, periods in sides.items():
        spectra = image_spectra(images[..., :side, :side])
        mean = mean_spectrum(spectra)
        for period in periods:
            step = side // period
            bins = [(row * step, column * step) for row, column in own_lines(period)]
            distances = (2, 3) if step > SPACING else (2,)  # short of the next line
            cells = (bins_and_neighbors(spectra, bins, distances) + ROUNDING_NOISE).log()
            power, background = cells[..., 0], cells[..., 1:].mean(-1)
            excess = power.mean(0).exp() - background.mean(0).exp()
            cells = bins_and_neighbors(mean, bins, distances)
            if period > 2:  # the opposite frequencies, too
                cells = torch.cat([cells, cells])
            rms = amplitude(cells, side, side)
            measured[period] = Lines(side, power - background, excess, rms)
    return dict(sorted(measured.items()))


def line_intervals(
    logs: Tensor, reference: Tensor | None, num_tests: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Each line's ratio to its neighbors, and an interval: three of (K,).

    t-intervals of the mean of (N, K) `logs`, minus that of the reference, if any. The lower end is
    corrected for `num_tests` lines (Bonferroni), since one wrong line is a false alarm. The upper
    end is that of a 95 % interval: to call a pattern absent, its own line matters alone.
    """
    sides = [logs] if reference is None else [logs, reference]
    difference = logs.mean(0) if reference is None else logs.mean(0) - reference.mean(0)
    spreads = [x.var(0) if len(x) > 1 else torch.full_like(x[0], torch.inf) for x in sides]
    errors = [v / len(x) for v, x in zip(spreads, sides, strict=True)]
    error = torch.stack(errors).sum(0).sqrt()
    freedom = max(1, min(map(len, sides)) - 1)
    below = stats.t.isf(LEVEL / 2 / num_tests, freedom)
    above = stats.t.isf(LEVEL / 2, freedom)
    return difference.exp(), (difference - below * error).exp(), (difference + above * error).exp()
