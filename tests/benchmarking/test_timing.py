"""Turns are taken fairly, and numbers over rounds are what they say; no time is asserted."""

from time import sleep

import pytest

from dcgan.benchmarking.scaling import fit_exponent
from dcgan.benchmarking.timing import BUSY, MOST_STEPS, busy, interleave, paired_ratio, quartiles


def test_every_arm_has_its_turn_in_every_round_in_changing_order() -> None:
    turns: list[tuple[str, int]] = []
    arms = {name: lambda n, name=name: turns.append((name, n)) for name in "abc"}
    seconds = interleave(arms, rounds=8, seconds_per_turn=1)
    assert {name: len(times) for name, times in seconds.items()} == {"a": 8, "b": 8, "c": 8}
    warm, timed = turns[:6], turns[7::2]
    assert warm == [(name, 2) for name in "abcabc"]
    assert turns[6::2] == [(name, 1) for name, _ in timed]  # not timed
    rounds = ["".join(name for name, _ in timed[i : i + 3]) for i in range(0, 24, 3)]
    assert {"".join(sorted(each)) for each in rounds} == {"abc"}
    assert len(set(rounds)) > 2
    assert {steps for _, steps in timed} == {MOST_STEPS}  # these arms take no time


def test_the_slowest_arm_says_how_many_steps_a_turn_has() -> None:
    turns: list[int] = []
    arms = {"slow": lambda n: sleep(0.02 * n), "quick": turns.append}
    interleave(arms, rounds=1, seconds_per_turn=0.2)
    assert 2 <= turns[-1] <= 10
    interleave(arms, rounds=1, seconds_per_turn=0.001)
    assert turns[-1] == 2


def test_what_is_done_before_a_turn_is_not_timed() -> None:
    turns: list[str] = []
    arms = {"a": lambda _: turns.append("a")}

    def before() -> None:
        turns.append("before")
        sleep(0.2)

    seconds = interleave(arms, 3, 0.01, before_turn=before)
    assert turns == ["a", "a", *["before", "a", "a"] * 3]
    assert max(seconds["a"]) * MOST_STEPS < 0.2


def test_ratios_are_paired_by_round() -> None:
    ratio = paired_ratio([2.0, 4.0, 60.0], [1.0, 2.0, 20.0])  # one round was slow for both
    assert (ratio.lower, ratio.median, ratio.upper) == (2, 2, 2.5)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]).median == 3


def test_the_exponent_of_a_power_law_is_found() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert fit_exponent(values, [3 * v**1.7 for v in values]) == pytest.approx(1.7)


def test_a_busy_machine_is_named_before_anything_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (BUSY, 2.0, 2.0))
    assert busy() is None
    monkeypatch.setattr("os.getloadavg", lambda: (1.32, 0.0, 0.0))
    assert "load 1.32 in the minute before, above 0.5" in str(busy())
