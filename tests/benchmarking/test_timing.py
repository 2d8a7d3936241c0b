"""Turns are taken fairly, and numbers over rounds are what they say; no time is asserted."""

import pytest

from dcgan.benchmarking.scaling import fit_exponent
from dcgan.benchmarking.timing import interleave, paired_ratio, quartiles


def test_every_arm_has_its_turn_in_every_round_and_another_goes_first() -> None:
    turns: list[tuple[str, int]] = []
    arms = {name: lambda n, name=name: turns.append((name, n)) for name in "abc"}
    seconds = interleave(arms, rounds=4, steps=8)
    assert {name: len(times) for name, times in seconds.items()} == {"a": 4, "b": 4, "c": 4}
    warm, timed = turns[:3], turns[3:]
    assert warm == [("a", 2), ("b", 2), ("c", 2)]
    rounds = ["".join(name for name, _ in timed[i : i + 3]) for i in range(0, 12, 3)]
    assert rounds == ["abc", "bca", "cab", "abc"]
    assert {steps for _, steps in timed} == {8}


def test_ratios_are_paired_by_round() -> None:
    ratio = paired_ratio([2.0, 4.0, 60.0], [1.0, 2.0, 20.0])  # one round was slow for both
    assert (ratio.lower, ratio.median, ratio.upper) == (2, 2, 2.5)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]).median == 3


def test_the_exponent_of_a_power_law_is_found() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert fit_exponent(values, [3 * v**1.7 for v in values]) == pytest.approx(1.7)
