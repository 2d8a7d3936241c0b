"""Which patterns are patterns of their own, and which are traces of others.

A pattern that is not sinusoidal has harmonics, which are lines of the divisors of its period. And
the window spreads each line to near frequencies, where another period may have a line.
"""

from collections.abc import Collection, Mapping
from math import lcm

import torch
from torch import Tensor

from dcgan.checkerboard.lines import Lines, own_lines
from dcgan.checkerboard.scores import PRESENT

RESOLUTION = 1.5  # frequency bins
FACTOR = 2  # a trace has at most this many times the power that the other pattern accounts for


def origins(
    lines: Mapping[int, Lines], found: Collection[int], unsure: Collection[int] = ()
) -> dict[int, int]:
    """For each period found or unsure, the period of the pattern that it comes from, or its own.

    Periods are taken in the order of their lines' strength. One is a trace if the lines of earlier
    ones, spread by the window, account for its own (`stands_out`). Of the others, one is a trace if
    two shorter ones, both stronger, combine to it (6 = lcm(2, 3): where an image saturates, two
    patterns multiply), or if its lines are harmonics of a multiple (`in_series`).
    """
    came_from: dict[int, int] = {}
    own: list[int] = []

    def spread_from(period: int) -> int | None:
        if not own or stands_out(lines, period, own):
            return None
        return next((p for p in own if not stands_out(lines, period, [p])), own[0])

    def harmonic_of(period: int) -> int | None:
        multiples = sorted((p for p in own if p > period and p % period == 0), reverse=True)
        return next((p for p in multiples if in_series(lines, period, p)), None)

    for period in sorted(found, key=lambda p: -_strength(lines[p])):
        came_from[period] = spread_from(period) or period
        own += [period] if came_from[period] == period else []
    for period in sorted(own):
        power = lines[period].excess.max()
        parts = [p for p in own if p < period and period % p == 0 and lines[p].excess.max() > power]
        if lcm(*parts) == period:
            came_from[period] = parts[-1]
            own.remove(period)
    for period in own:
        came_from[period] = harmonic_of(period) or period
    for period in unsure:
        came_from[period] = spread_from(period) or harmonic_of(period) or period
    return {period: came_from[came_from[period]] for period in came_from}


def stands_out(lines: Mapping[int, Lines], period: int, others: Collection[int]) -> bool:
    """Whether a line of `period` has more power than the window spreads to it from other patterns.

    Their contributions are added as amplitudes, which is the most that they can give.
    """
    ours = lines[period]
    places = torch.tensor(own_lines(period), dtype=torch.float64) / period
    predicted = torch.zeros_like(ours.excess)
    for other in others:
        grid = _series(lines, other).clamp(min=0).sqrt()
        distances = places[..., None] - torch.arange(other, dtype=torch.float64) / other
        bins = (distances - distances.round()) * ours.side
        # The transform of the Hann window, relative to its peak, for rows and for columns. Lines
        # nearer than half the width of its main lobe cannot be told apart.
        spread = torch.sinc(bins) + (torch.sinc(bins - 1) + torch.sinc(bins + 1)) / 2
        rows, columns = spread.abs().where(bins.abs() >= RESOLUTION, 1).unbind(1)
        predicted += torch.einsum("kr,rc,kc->k", rows, grid, columns)
    return bool((ours.excess > FACTOR * predicted.square())[_marked(ours)].any())


def in_series(lines: Mapping[int, Lines], period: int, multiple: int) -> bool:
    """Whether the lines of a period can be harmonics of a pattern whose period is a multiple.

    The harmonics of one pattern form a smooth series: those of a spike repeated every P pixels,
    the sharpest pattern, are equal. So a line is a harmonic unless it has more than `FACTOR` times
    the power of each line near it in the series: up to two steps away, as every second harmonic of
    a square wave is 0.
    """
    grid, scale = _series(lines, multiple), multiple // period
    strongest = int(lines[period].excess.argmax())
    row, column = (scale * part for part in own_lines(period)[strongest])
    beside = [
        grid[(row + down) % multiple, (column + across) % multiple].item()
        for down in range(-2, 3)
        for across in range(-2, 3)
        if down % scale or across % scale  # not a line of the divisor itself
    ]
    return lines[period].excess[strongest].item() <= FACTOR * max(beside)


def _series(lines: Mapping[int, Lines], period: int) -> Tensor:
    """The power above the background of a period's lines and of its divisors': (P, P), 0 at DC."""
    grid = torch.zeros(period, period, dtype=torch.float64)
    for divisor in (d for d in lines if period % d == 0):
        frequencies = period // divisor * torch.tensor(own_lines(divisor))
        for rows, columns in (frequencies.T, (-frequencies % period).T):
            grid[rows, columns] = lines[divisor].excess
    return grid


def _strength(lines: Lines) -> float:
    """The sum of the lines that show a pattern, each divided by its neighbors."""
    return lines.logs.mean(0).exp()[_marked(lines)].sum().item()


def _marked(lines: Lines) -> Tensor:
    """The lines that show a pattern, the one with most power at least: (K,) bool."""
    marked = lines.logs.mean(0).exp() > PRESENT
    marked[lines.excess.argmax()] = True
    return marked
