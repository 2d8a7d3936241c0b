"""Runs that take turns are compared turn by turn; no test asserts a time."""

from collections import deque
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from dcgan.benchmarking import beside
from dcgan.benchmarking.beside import comparisons, quartiles, run_steps, time_in_turn
from dcgan.config import BenchmarkConfig, TrainConfig
from dcgan.data.preparation import prepare
from dcgan.reports.page import render
from dcgan.training import losses, step
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected
from dcgan.training.step import State
from tests.conftest import Compose


def test_quartiles_are_lower_median_upper() -> None:
    assert quartiles(np.array([5.0, 1.0, 4.0, 2.0, 3.0])) == [2, 3, 4]


def test_the_defaults_are_compared_with_themselves_and_with_every_setting(tiny: Compose) -> None:
    config = BenchmarkConfig(
        sizes=[[16, 1, 2], [32, 1, 2]], rounds=1, beside=["upsample=subpixel"], overrides=["seed=3"]
    )
    found = comparisons(config, tiny)
    assert [
        (each["defaults"].data.image_size, each["defaults"].trainer.precision) for each in found
    ] == [(16, "32-true"), (16, "bf16-mixed"), (32, "32-true"), (32, "bf16-mixed")]
    for each in found:
        defaults, again, subpixel = each.values()
        assert defaults == again
        assert (defaults.seed, defaults.upsample.kind) == (3, "transposed")
        assert subpixel.upsample.kind == "subpixel"
        assert defaults.generator.filters == defaults.data.image_size


def test_ratios_are_taken_within_a_turn(tiny: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {0: deque([9, 1.0, 2.0, 30.0]), 1: deque([9, 2.0, 4.0, 60.0])}  # first: not counted

    def given(state: State) -> float:
        return seconds[state.config.seed].popleft()

    monkeypatch.setattr(beside, "run_steps", given)
    rows = time_in_turn({"defaults": tiny("seed=0"), "seed=1": tiny("seed=1")}, turns=3)
    assert [row["name"] for row in rows] == ["defaults", "seed=1"]
    assert [row["ratio"] for row in rows] == [[1, 1, 1], [2, 2, 2]]
    assert rows[0]["ms"] == [1500, 2000, 16000]
    text = render("beside.txt", rows=rows, busy=True, turns=40, overrides=["a=b"], **machine())
    assert text.splitlines()[-1].split()[-3:] == ["2.000", "[2.000,", "2.000]"]
    assert "load 0.00 before (busy); dcgan-train a=b" in text


def machine() -> dict[str, Any]:
    return {"processor": "", "num_threads": 1, "torch": "2", "load_before": 0, "rounds": 1}


def test_every_run_has_its_own_precision(tiny: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def note(state: State) -> float:
        seen.append(state.fabric._precision.precision)
        return 1.0

    monkeypatch.setattr(beside, "run_steps", note)
    time_in_turn({"defaults": tiny(), "bf16": tiny("trainer.precision=bf16-mixed")}, turns=1)
    assert seen[:2] == ["32-true", "bf16-mixed"]


@pytest.mark.parametrize(
    ("options", "steps", "penalties"),
    [(["regularizer=none"], 1, 0), (["regularizer=r1", "regularizer.interval=6"], 6, 1)],
)
def test_a_turn_has_every_penalty_once(
    tiny: Compose,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    steps: int,
    penalties: int,
) -> None:
    penalty = Mock(wraps=losses.r1)
    monkeypatch.setattr(step, "r1", penalty)
    config: TrainConfig = tiny(*options)
    with connected(config.trainer) as fabric:
        state = build_state(config, prepare(config.data), fabric)
    assert run_steps(state) > 0
    assert (state.step, penalty.call_count) == (steps, penalties)
