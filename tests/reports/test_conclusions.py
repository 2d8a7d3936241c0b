"""The page says only what its data show."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.reports.ablation import Ablation, Comparison, least_p
from dcgan.reports.page import render
from dcgan.reports.runs import Arm, Run

RATIO = PEAK_OVER_REAL[2]


def conclude(ablation: Ablation) -> list[list[str]]:
    """The sentences of every subject."""
    return list(yaml.safe_load(render("conclusions.yaml", **ablation.evidence())).values())


def conclude_pair(ps: Sequence[float], seeds: int = 6, above: bool = True) -> str:
    """The sentence about arms a and b for these p at 0, 100, … images."""
    medians = (2.0, 1.0) if above else (1.0, 2.0)
    least = least_p(seeds, seeds)
    tests = [Comparison(RATIO, "a", "b", 100 * i, *medians, p, least) for i, p in enumerate(ps)]
    ((sentence,),) = conclude(Ablation([], [], [0], tests, []))
    return sentence


def conclude_arm(ratios: Sequence[Sequence[float]], raw: float) -> tuple[str, str]:
    """The presence and repair sentences of an arm with these R₂ ÷ real, a row per 100 images."""
    runs = [
        Run(
            Path(), {}, {100 * i: {"r2_over_real": r, "r2": raw} for i, r in enumerate(seed)}, {}, 1
        )
        for seed in zip(*ratios, strict=True)
    ]
    moments = [100 * i for i in range(len(ratios))]
    ((presence,), (repair,)) = conclude(Ablation([Arm("a", runs)], [RATIO], moments, [], []))
    return presence, repair


def test_a_difference_is_stated_with_its_range() -> None:
    assert conclude_pair([0.002, 0.004, 0.3, 0.9]) == (
        "a against b: higher from 0 to 100 images (p = 0.002 to 0.004);"
        " no difference shown from 200 to 300 images (p = 0.300 to 0.900)."
    )
    assert "lower at 0 images (p = 0.002)" in conclude_pair([0.002, 1], above=False)


def test_no_difference_is_stated() -> None:
    assert conclude_pair([0.2, 0.06]) == (
        "a against b: no difference shown at any point (smallest p = 0.060)."
    )


def test_few_seeds_show_nothing_even_if_separate() -> None:
    text = conclude_pair([0.1, 0.1, 0.7], seeds=3)
    assert "too few seeds to show a difference (smallest possible p = 0.10)" in text
    assert "higher in every seed at 0, 100 images" in text
    assert "the arms overlap throughout" in conclude_pair([0.7], seeds=3)


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
    assert conclude_arm([ratios], raw)[0].startswith(f"a: {verdict} (R₂ ÷ real ")


def test_repair_is_stated_with_the_images_seen() -> None:
    assert conclude_arm([[9], [4], [5], [2]], raw=5)[1] == (
        "a: R₂ ÷ real at 3 or below from 300 images on (median over seeds)."
    )
    assert "still 4 at the end" in conclude_arm([[9], [2], [4]], raw=5)[1]
    assert "never above 3" in conclude_arm([[9], [4]], raw=0.9)[1]  # raw R is below 1
