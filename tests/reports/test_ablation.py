"""Tests between arms, compared with known p values."""

import math
from dataclasses import asdict
from pathlib import Path

import dcgan.configs
import pytest

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.reports.ablation import compare_arms, least_p, pairs_to_test
from dcgan.reports.runs import Arm, Run, find_runs, sort_into_arms
from tests.conftest import Compose
from tests.reports.conftest import set_score

RATIO = PEAK_OVER_REAL[2]


def test_the_smallest_p_is_that_of_complete_separation() -> None:
    assert least_p(6, 6) == pytest.approx(2 / math.comb(12, 6))  # .002
    assert least_p(3, 3) == pytest.approx(0.1)
    assert least_p(1, 1) == 1


def test_arms_are_compared_at_every_scored_step(more_seeds: Path) -> None:
    set_score(more_seeds, "transposed_k3", "r2_over_real", lambda seed, step: 10 + seed - step)
    set_score(more_seeds, "resize_nearest", "r2_over_real", lambda seed, _: 5.5 + seed)
    arms = sort_into_arms(find_runs(more_seeds)[0])
    at_start, *_, at_end = compare_arms(arms, [RATIO], [0, 16, 32, 64])
    assert at_start.verdict == "higher"
    assert at_start.p == pytest.approx(4 / math.comb(12, 6))  # 1 of 36 pairs is reversed
    assert at_end.first_median < at_end.second_median
    assert at_end.images_seen == 64


def test_single_seeds_are_not_tested(runs: Path) -> None:
    arms = [type(arm)(arm.name, arm.runs[:1]) for arm in sort_into_arms(find_runs(runs)[0])]
    assert not compare_arms(arms, [RATIO], [0])


def test_many_arms_are_compared_with_the_baseline_and_related_arms(
    compose_train: Compose,
) -> None:
    names = [path.stem for path in (Path(dcgan.configs.__path__[0]) / "upsample").glob("*.yaml")]
    runs = [
        Run(Path(name), asdict(compose_train(f"upsample={name}")), {}, {}, 1.0) for name in names
    ]
    arms = sort_into_arms(runs)
    assert len(arms) == len(names) > 4
    assert pairs_to_test(arms[-2:]) == [(arms[-2], arms[-1])]

    def choice(arm: Arm) -> str:
        return str(arm.runs[0].folder)

    pairs = [(choice(first), choice(second)) for first, second in pairs_to_test(arms)]
    together = {
        ("transposed_k3", "transposed_k4"),
        ("transposed_k3_balanced", "transposed_k4_balanced"),
        ("transposed_k3", "transposed_k3_balanced"),
        ("transposed_k4", "transposed_k4_balanced"),
        ("transposed_k4", "transposed_k4_balanced2"),
        ("transposed_k6", "transposed_k6_balanced"),
        ("subpixel", "subpixel_balanced"),
    }
    others = {(name, "resize_nearest") for name in names if name != "resize_nearest"}
    assert set(pairs) == together | others
    assert len(pairs) == len(set(pairs))
    without = [choice(arm) for arm in arms if choice(arm).startswith("transposed_k4")]
    kernels = [arm for arm in arms if choice(arm).startswith(("transposed_k3", "transposed_k4"))]
    pairs = [(choice(first), choice(second)) for first, second in pairs_to_test(kernels)]
    assert without[-1] == choice(kernels[-1]) == "transposed_k4_balanced2"
    assert len(kernels) > 4
    assert len(pairs) == len(set(pairs))
