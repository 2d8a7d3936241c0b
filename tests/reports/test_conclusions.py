"""The page cannot say what its data do not show."""

from collections.abc import Sequence

import pytest

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.intervals import summarize
from dcgan.reports.ablation import least_p
from dcgan.reports.conclusions import Comparison, conclude_pair, presence


def comparisons(ps: Sequence[float], seeds: int = 6, above: bool = True) -> list[Comparison]:
    medians = (2.0, 1.0) if above else (1.0, 2.0)
    least = least_p(seeds, seeds)
    return [
        Comparison(PEAK_OVER_REAL[2], "a", "b", 100 * i, *medians, p, least)
        for i, p in enumerate(ps)
    ]


def test_a_difference_is_told_with_when_it_ends() -> None:
    assert conclude_pair(comparisons([0.002, 0.004, 0.3, 0.9])) == (
        "a against b: higher from 0 to 100 images (p = 0.002 to 0.004);"
        " no difference shown from 200 to 300 images (p = 0.300 to 0.900)."
    )
    assert "lower at 0 images (p = 0.002)" in conclude_pair(comparisons([0.002, 1], above=False))


def test_no_difference_is_said_so() -> None:
    assert conclude_pair(comparisons([0.2, 0.06])) == (
        "a against b: no difference shown at any moment (smallest p = 0.060)."
    )


def test_few_seeds_show_nothing_whatever_they_look_like() -> None:
    text = conclude_pair(comparisons([0.1, 0.1, 0.7], seeds=3))
    assert "nothing can be shown with so few seeds (least possible p = 0.10)" in text
    assert "higher in every seed at 0, 100 images" in text


@pytest.mark.parametrize(
    ("ratios", "raw", "verdict"),
    [
        ([10, 11, 12], 5, "checkerboard present"),
        ([10, 11, 12], 0.9, "no checkerboard"),
        ([0.5, 0.6, 0.7], 0.3, "no checkerboard"),
        ([1, 5, 30], 5, "undecided: the interval contains 3"),
        ([10], 5, "one seed, so no interval and no verdict"),
    ],
)
def test_presence_follows_the_interval(ratios: list[float], raw: float, verdict: str) -> None:
    assert presence(summarize(ratios, True), summarize([raw], True)) == verdict
