"""Statistics over rounds are correct; no test asserts a time."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dcgan.benchmarking import benchmark
from dcgan.benchmarking.arms import ARMS, BASELINE, OURS, Arm
from dcgan.benchmarking.baseline import Baseline
from dcgan.benchmarking.benchmark import compare, step_gflop, take_turns
from dcgan.config import BenchmarkConfig, DataConfig
from dcgan.data.preparation import Prepared, prepare
from dcgan.errors import UserError
from dcgan.reports.page import render
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected
from dcgan.training.step import train_step
from tests.conftest import Compose


def test_ratios_are_taken_within_a_round(tiny: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "peak_gflops", lambda *_: 1.0)
    seconds = {arm: [1.0, 2.0, 30.0] for arm in ARMS}  # one round was slow for all
    seconds[OURS[1]] = [0.5, 1.0, 10.0]
    runs: dict[Arm, list[Any]] = {
        arm: [[1, 1 + 4 * s] for s in times] for arm, times in seconds.items()
    }
    rows = compare([16, 3, 7], asdict(tiny()), runs)
    assert [(row["name"], row["precision"]) for row in rows] == [arm[:2] for arm in ARMS]
    assert [row["ratio_to_baseline"] for row in rows[:3]] == [[1, 1, 1]] * 3
    assert rows[3]["ratio_to_baseline"] == [2, 2, 2.5]
    assert rows[0]["ms"][1] == 2000
    assert rows[0]["images_per_second"] == 8 / 2
    machine = {"processor": "A & B", "num_threads": 1, "torch": "2", "load_before": 0, "rounds": 3}
    text = render("benchmark.txt", rows=rows, busy=False, overrides=["a=b", "c=d"], **machine)
    lines = text.splitlines()
    assert lines[0] == "A & B, cpu, 1 threads, torch 2, load 0.00 before; dcgan-train a=b c=d"
    assert len(lines) == 3 + len(ARMS)
    assert " 1000.0 [750.0, 5500.0] " in lines[-1]
    assert " 2.00 [2.00, 2.50] " in lines[-1]


def test_operations_are_those_of_one_of_our_steps(tiny: Compose) -> None:
    config = tiny()
    baseline = Baseline(asdict(config))
    real = torch.zeros(8, config.data.channels, 16, 16)
    theirs, ours = step_gflop(baseline, real)
    with connected(config.trainer) as fabric:
        state = build_state(config, prepare(config.data), fabric)
    with FlopCounterMode(display=False) as counter:
        train_step(state)
    assert ours == pytest.approx(counter.get_total_flops() / 1e9)
    assert theirs > ours


def test_every_arm_runs_once_per_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(command: list[str], environment: dict[str, str]) -> float:
        assert environment == {"A": "B"}
        folder = Path(command[-1].partition("=")[2] or command[5])
        folder.mkdir()  # as a run does; fails if it exists
        (folder / "config.yaml").write_text("seed: 0")
        commands.append(command)
        return float(len(commands))

    monkeypatch.setattr(benchmark, "run", run)
    config = BenchmarkConfig(sizes=[[16, 2, 5]], rounds=6)
    settings, runs = take_turns([16, 2, 5], config, tmp_path, {"A": "B"})
    assert settings == {"seed": 0}
    assert {np.shape(pairs) for pairs in runs.values()} == {(6, 2)}
    assert list(runs) == list(ARMS)
    assert len(commands) == 2 + 6 * 2 * len(runs)
    ends = {arm: [long for _, long in pairs] for arm, pairs in runs.items()}
    rounds = [tuple(sorted(runs, key=lambda arm: ends[arm][i])) for i in range(6)]
    assert len(set(rounds)) > 1
    for i in range(5):
        assert max(times[i] for times in ends.values()) < min(t[i + 1] for t in ends.values())
    assert [short + 1 for short, _ in runs[BASELINE]] == ends[BASELINE]


def test_every_size_is_prepared_before_any_is_timed(
    tiny: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, a data set that has no images of the second size would lose the first's times."""

    def prepare_small(config: DataConfig) -> Prepared:
        if config.image_size > 16:
            raise UserError("no images of this size")
        return prepare(config)

    monkeypatch.setattr(benchmark, "prepare", prepare_small)
    monkeypatch.setattr(benchmark, "take_turns", lambda *_: pytest.fail("it was timed"))
    config = BenchmarkConfig(sizes=[[16, 1, 2], [32, 1, 2]], rounds=1)
    with pytest.raises(UserError, match="no images of this size"):
        benchmark.benchmark(config, tmp_path / "out", {}, tiny)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("beside", [[], ["seed=1"]])
def test_an_image_size_other_than_that_in_sizes_is_refused(
    tiny: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: list[str]
) -> None:
    monkeypatch.setattr(benchmark, "take_turns", lambda *_: pytest.fail("it was timed"))
    word = "data.image_size=32"
    config = BenchmarkConfig(sizes=[[16, 1, 2]], rounds=1, overrides=[word], beside=beside)
    with pytest.raises(UserError, match=rf"^overrides=.*{word}.*: .* sizes, which has 16"):
        benchmark.benchmark(config, tmp_path / "out", {}, tiny)
