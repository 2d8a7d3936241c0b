"""Means with confidence intervals, over seeds or other repeated measurements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.05


@dataclass(frozen=True)
class Summary:
    """The mean of repeated measurements, such as one per seed, with its interval."""

    mean: float  # geometric for ratios
    low: float | None = None  # 95 % t-interval of the mean; None for a single value
    high: float | None = None

    def __str__(self) -> str:
        """Three significant digits; rounding errors are shown as 0."""
        known = [value for value in (self.mean, self.low, self.high) if value is not None]
        mean, *interval = ("0" if abs(value) <= 1e-12 else f"{value:.3g}" for value in known)
        return f"{mean} [{', '.join(interval)}]" if interval else mean


def summarize(values: Sequence[float], logarithmic: bool = False) -> Summary:
    """The mean and its 95 % t-interval, of logarithms if `logarithmic` and all are > 0."""
    array = np.asarray(values, dtype=float)
    logs = logarithmic and bool((array > 0).all())
    scaled = np.log(array) if logs else array
    bounds = [scaled.mean()]
    if len(array) > 1 and np.isfinite(scaled).all():
        margin = stats.t.ppf(1 - LEVEL / 2, len(array) - 1) * stats.sem(scaled)
        bounds += [bounds[0] - margin, bounds[0] + margin]
    return Summary(*(float(np.exp(bound) if logs else bound) for bound in bounds))
