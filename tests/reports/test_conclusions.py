"""The page says only what its data show."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.reports.ablation import Ablation, Comparison, compare_arms, least_p, separated
from dcgan.reports.page import render
from dcgan.reports.runs import Arm, Run

RATIO = PEAK_OVER_REAL[2]


def conclude(ablation: Ablation) -> dict[str, list[str]]:
    """The sentences of every subject."""
    conclusions: dict[str, list[str]] = yaml.safe_load(
        render("conclusions.yaml", **ablation.evidence())
    )
    return conclusions


def conclude_pair(ps: Sequence[float], seeds: int = 6, above: bool = True) -> str:
    """The sentence about arms a and b for these p at 0, 100, … images."""
    medians = (2.0, 1.0) if above else (1.0, 2.0)
    least = least_p(seeds, seeds)
    tests = [Comparison(RATIO, "a", "b", 100 * i, *medians, p, least) for i, p in enumerate(ps)]
    *_, (sentence,) = conclude(Ablation([], [], [0], tests, [])).values()
    return sentence


def make_arm(name: str, ratios: Sequence[Sequence[float]], raw: float = 5) -> Arm:
    """An arm with these R₂ ÷ real: a row per 100 images, a column per seed."""
    seeds = zip(*ratios, strict=True)
    scores = [
        {100 * i: {"r2_over_real": ratio, "r2": raw} for i, ratio in enumerate(seed)}
        for seed in seeds
    ]
    return Arm(name, [Run(Path(), {}, each, {}, 1) for each in scores])


def conclude_arm(ratios: Sequence[Sequence[float]], raw: float) -> tuple[str, str]:
    """The presence and repair sentences of an arm."""
    moments = [100 * i for i in range(len(ratios))]
    ablation = Ablation([make_arm("a", ratios, raw)], [RATIO], moments, [], [])
    _, (presence,), (repair,) = conclude(ablation).values()
    return presence, repair


def answer(*arms: Arm) -> list[str]:
    """The three sentences about these arms, each scored once."""
    tests = compare_arms(arms, [RATIO], [0])
    return conclude(Ablation(arms, [RATIO], [0], tests, []))["In short"]


def test_a_difference_is_stated_with_its_range() -> None:
    assert conclude_pair([0.002, 0.004, 0.3, 0.9]) == (
        "a against b: higher from 0 to 100 images (p = 0.002 to 0.004);"
        " no significant difference from 200 to 300 images (p = 0.300 to 0.900)."
    )
    assert "lower at 0 images (p = 0.002)" in conclude_pair([0.002, 1], above=False)


def test_no_difference_is_stated() -> None:
    assert conclude_pair([0.2, 0.06]) == (
        "no significant difference at any point (smallest p = 0.060): a against b."
    )


def test_few_seeds_show_nothing_even_if_separate() -> None:
    assert conclude_pair([0.1, 0.1, 0.7], seeds=3) == (
        "too few seeds to show a difference (smallest possible p = 0.10): a against b."
    )


def test_the_answer_names_what_is_seen_what_differs_and_what_stays_open() -> None:
    arms = [
        make_arm("k3", [[10, 11, 12, 13]]),
        make_arm("k4", [[9.5, 10.5, 12.5, 13.5]]),
        make_arm("cured", [[1, 1.1, 1.2, 1.3]]),
        make_arm("wide", [[0.9, 2, 8, 40]]),
    ]
    assert answer(*arms) == [
        "After 0 images, a checkerboard remains with k3 and k4 (R₂ ÷ real 11 and 11); there is none"
        " with cured (R₂ ÷ real 1.1); the verdict is undecided for wide (R₂ ÷ real 4.9).",
        "R₂ ÷ real is higher with k3 and k4 than with cured; if two arms did not differ, chance"
        " would produce a difference this clear in at most 2.9 % of cases.",
        "Whether 4 other pairs of arms differ remains open; all of this holds for these images,"
        " networks and this length of training.",
    ]
    two = answer(*arms[:2])
    assert two[1] == "At the end, no two arms differ significantly in R₂ ÷ real."
    five = answer(*(make_arm(name, [[1, 15, 16, 40]]) for name in "abcde"))
    assert five[1].startswith("At the end, no two arms that were compared differ significantly")
    assert two[2].startswith("Whether k3 and k4 differ remains open (no significant difference")
    assert answer(arms[0], arms[2])[2].startswith("All of this holds for these images")


def test_many_differences_are_counted() -> None:
    arms = []
    for name, kernel, level in (
        ("a", 3, 1e5),
        ("b", 3, 1e3),
        ("c", 4, 1e4),
        ("d", 4, 1e2),
        ("e", 5, 1),
    ):
        arm = make_arm(name, [[level * (1 + j / 9) for j in range(4)]])
        settings = {"upsample": {"kernel_size": kernel, "balanced": 0}}
        arms.append(Arm(name, [replace(run, config=settings) for run in arm.runs]))
    assert answer(*arms)[1].startswith(
        "R₂ ÷ real differs in 8 of the 8 pairs of arms that were compared (listed below); if"
    )


def test_the_answer_from_few_seeds_says_so() -> None:
    arms = [make_arm("k3", [[10, 11]]), make_arm("k4", [[9.5, 10.5]])]
    _, differ, unknown = answer(*arms)
    assert differ == (
        "With 2 seeds per arm, no difference between arms can be significant: even if all seeds of"
        " one lie above all of another, chance alone does that to equal arms in 33 % of cases."
    )
    assert unknown.startswith("A difference can be significant with at least four seeds per arm")
    single, differ, _ = answer(*(make_arm(name, [[9]]) for name in "ab"))
    assert "one seed gives no verdict on a and b (R₂ ÷ real 9 and 9)" in single
    assert differ.startswith("With one seed per arm")


def test_arms_above_the_same_others_are_named_together() -> None:
    def test(first: str, second: str, above: bool, p: float = 0.01) -> Comparison:
        medians = (2.0, 1.0) if above else (1.0, 2.0)
        return Comparison(RATIO, first, second, 0, *medians, p, 0.01)

    tests = [test("a", "c", True), test("b", "c", True), test("a", "b", True, p=0.2)]
    assert separated(tests) == [(["a", "b"], ["c"])]
    assert separated([*tests, test("c", "d", False)]) == [(["a", "b", "d"], ["c"])]
    assert separated([*tests, test("a", "d", True)]) == [(["a"], ["c", "d"]), (["b"], ["c"])]


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
    assert conclude_arm([ratios], raw)[0].startswith(f"{verdict}: a (R₂ ÷ real ")


def test_repair_is_stated_with_the_images_seen() -> None:
    assert conclude_arm([[9], [4], [5], [2]], raw=5)[1] == "a: from 300 images on."
    assert conclude_arm([[9], [2], [4]], raw=5)[1] == "a: not by the end (R₂ ÷ real 4)."
    assert conclude_arm([[9], [4]], raw=0.9)[1] == "a: at every scored step."  # raw R₂ is below 1
