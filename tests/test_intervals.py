"""Means and intervals compared with independently computed numbers."""

import math

import pytest

from dcgan.intervals import summarize


def test_mean_and_t_interval() -> None:
    summary = summarize([1.0, 2.0, 3.0, 4.0, 5.0], logarithmic=False)
    # t(0.975, 4) = 2.776445; standard error = sqrt(2.5 / 5).
    margin = 2.776445 * math.sqrt(0.5)
    assert summary.mean == 3
    assert summary.low == pytest.approx(3 - margin, rel=1e-6)
    assert summary.high == pytest.approx(3 + margin, rel=1e-6)


def test_ratios_are_averaged_geometrically() -> None:
    summary = summarize([1.0, 100.0], logarithmic=True)
    assert summary.mean == pytest.approx(10)
    assert summary.low is not None
    assert summary.high is not None
    assert summary.low * summary.high == pytest.approx(100)


def test_one_seed_has_no_interval() -> None:
    summary = summarize([7.0], logarithmic=True)
    assert (summary.low, summary.high) == (None, None)
    assert str(summary) == "7"
