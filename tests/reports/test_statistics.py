"""Tests between arms against numbers worked out elsewhere."""

import math
from pathlib import Path

import pytest

from dcgan.reports.runs import find_runs, sort_into_arms
from dcgan.reports.statistics import (
    compare_arms,
    least_p,
    pairs_to_test,
    rank_correlation,
    scores_of,
)
from tests.reports.conftest import set_score


def test_the_least_p_is_that_of_complete_separation() -> None:
    assert least_p(6, 6) == pytest.approx(2 / math.comb(12, 6))  # .002, theory's least
    assert least_p(3, 3) == pytest.approx(0.1)
    assert least_p(1, 1) == 1


def test_arms_are_compared_at_every_moment(more_seeds: Path) -> None:
    set_score(more_seeds, "transposed_k3", "r2_over_real", lambda seed, step: 10 + seed - step)
    set_score(more_seeds, "resize_nearest", "r2_over_real", lambda seed, _: 5.5 + seed)
    arms = sort_into_arms(find_runs(more_seeds)[0])
    score = next(s for s in scores_of(arms) if s.key == "r2_over_real")
    at_start, *_, at_end = compare_arms(arms, [score], [0, 16, 32, 64])
    assert at_start.above
    assert at_start.p == pytest.approx(4 / math.comb(12, 6))  # 1 of 36 pairs is reversed
    assert not at_end.above
    assert at_end.images_seen == 64


def test_single_seeds_are_not_tested(runs: Path) -> None:
    arms = [type(arm)(arm.name, arm.runs[:1]) for arm in sort_into_arms(find_runs(runs)[0])]
    assert not compare_arms(arms, scores_of(arms), [0])


def test_many_arms_are_compared_with_the_baseline_only(runs: Path) -> None:
    two = sort_into_arms(find_runs(runs)[0])
    assert pairs_to_test(two) == [(two[0], two[1])]
    names = ["transposed k2", "transposed k3", "transposed k4", "nearest + conv k3", "sub-pixel k3"]
    many = [type(two[0])(name, two[0].runs) for name in names]
    pairs = [(a.name, b.name) for a, b in pairs_to_test(many)]
    assert pairs[0] == ("transposed k3", "transposed k4")
    assert pairs[1:] == [(name, "nearest + conv k3") for name in names if "nearest" not in name]


def test_rank_correlation() -> None:
    found = rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
    assert found is not None
    assert found[0] == pytest.approx(0.8)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
