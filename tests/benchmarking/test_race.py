"""The race: what is timed, whose FID counts, and which checkpoint stops the watch."""

import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from dcgan.benchmarking import race as module
from dcgan.benchmarking.arms import BASELINE
from dcgan.benchmarking.baseline import train as train_baseline
from dcgan.benchmarking.race import OURS, Lap, race, race_command, reach, train
from dcgan.config import BenchmarkConfig
from dcgan.config.identity import LAST
from dcgan.errors import UserError
from dcgan.networks.saved import generator_of
from dcgan.networks.weights import load_tensors
from dcgan.reports.page import render
from tests.conftest import Compose

# Saves three checkpoints, each once the one before was kept; then a folder's name in a file.
SAVES = """
import sys, time
from pathlib import Path

folder = Path(sys.argv[1])
last = folder / "checkpoints" / "last.pt"
last.parent.mkdir(parents=True)
for number in range(3):
    last.with_suffix(".tmp").write_text(f"checkpoint {number}")
    last.with_suffix(".tmp").replace(last)
    for _ in range(6000):  # a minute
        if (folder / f"{number}.pt").exists():
            break
        time.sleep(0.01)
"""


def race_config(**settings: object) -> BenchmarkConfig:
    defaults = {"sizes": [], "rounds": 2, "race": True, "race_checkpoints": 4}
    return BenchmarkConfig(**{**defaults, **settings})  # type: ignore[arg-type]


def test_every_checkpoint_of_a_command_is_kept(tmp_path: Path) -> None:
    laps = train([sys.executable, "-c", SAVES, str(tmp_path)], tmp_path, os.environ)
    assert [lap.path.read_text() for lap in laps] == [f"checkpoint {n}" for n in range(3)]
    seconds = [lap.seconds for lap in laps]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_the_first_checkpoint_as_good_as_the_target_stops_the_watch() -> None:
    fids = {"a": 50.0, "b": 20.0, "c": 30.0, "d": 10.0}
    laps = [Lap(Path(name), seconds) for seconds, name in enumerate("abcd", 1)]

    def measure(path: Path) -> tuple[float, int]:
        return fids[path.name], 64 * (1 + "abcd".index(path.name))

    found = reach(20, laps, measure)
    assert (found["seconds"], found["images_seen"], found["fid"]) == (2, 128, 20)
    assert [each["fid"] for each in found["looked_at"]] == [50, 20]
    never = reach(9, laps, measure)
    assert math.isnan(never["seconds"])
    assert (never["fid"], len(never["looked_at"])) == (10, 4)


def test_both_arms_train_as_told(tmp_path: Path) -> None:
    config = race_config(overrides=["loss=hinge"])
    ours = race_command(OURS, config, 3, 10, tmp_path, tmp_path / "run")
    assert ours[2:] == [
        "dcgan.commands.train",
        "loss=hinge",
        "trainer.steps=10",
        "trainer.checkpoint_every=3",
        "seed=3",
        f"hydra.run.dir={tmp_path / 'run'}",
    ]
    baseline = race_command(BASELINE, config, 3, 10, tmp_path, tmp_path / "run")
    settings = str(tmp_path / "config.yaml")
    assert baseline[2:] == [
        "dcgan.benchmarking.baseline",
        *(settings, "10", str(tmp_path / "run"), "3", "3"),
    ]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of a race in which each leaves checkpoints that hold FIDs, and takes 2 s each.

    The baseline's FIDs are 40, 30, 20 for seed 0, and 4, 3, 2 for seed 1; ours are half of them.
    """
    seen: list[list[str]] = []

    def run(command: list[str], environment: Mapping[str, str]) -> None:
        assert environment == {"A": "B"}
        Path(command[-1].partition("=")[2] or command[5]).mkdir(exist_ok=True)

    def train(command: list[str], run_dir: Path, environment: Mapping[str, str]) -> list[Lap]:
        run_dir.mkdir()
        assert environment == {"A": "B"}
        seen.append(command)
        is_baseline = "dcgan.benchmarking.baseline" in command
        scale = (1 if is_baseline else 0.5) * (0.1 if {"seed=1", "1"} & set(command[4:]) else 1)
        laps = [Lap(run_dir / f"{n}.pt", 2.0 * (n + 1)) for n in range(3)]
        for lap, fid in zip(laps, (40, 30, 20), strict=True):
            lap.path.write_text(str(fid * scale))
        return laps

    def fid_meter(run_dir: Path) -> Callable[[Path], tuple[float, int]]:
        assert run_dir.is_dir()
        return lambda path: (float(path.read_text()), 64)

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "fid_meter", fid_meter)
    return seen


def test_the_target_is_each_baselines_own_fid_at_its_end(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    config = race_config(beside=["loss=hinge"])
    rows = race(config, tmp_path, {"A": "B"})
    assert [row["name"] for row in rows] == ["baseline", "ours", "loss=hinge"]
    baseline, ours, hinge = (row["runs"] for row in rows)
    assert [run["target"] for run in ours] == pytest.approx([20, 2])
    assert [run["seconds"] for run in baseline] == [6, 6]
    assert [run["seconds"] for run in ours] == [2, 2]
    assert [run["ratio_to_baseline"] for run in hinge] == [3, 3]
    assert rows[0]["ratio_to_baseline"].mean == 1
    assert rows[1]["ratio_to_baseline"].mean == pytest.approx(3)
    # One seed after the other, and within it the baseline first.
    assert ["baseline" in " ".join(each[2:3]) for each in commands] == [True, False, False] * 2
    assert "3125" in commands[0]
    assert "trainer.steps=1250" in commands[1]
    assert "loss=hinge" in commands[2]


def test_an_interrupted_race_goes_on(tmp_path: Path, commands: list[list[str]]) -> None:
    one = race(race_config(rounds=1, race_fid=15), tmp_path, {"A": "B"})
    ran = len(commands)
    two = race(race_config(rounds=2, race_fid=15), tmp_path, {"A": "B"})
    assert len(commands) == 2 * ran
    assert math.isnan(two[0]["runs"][0]["seconds"])
    assert two[1]["runs"][0]["looked_at"] == one[1]["runs"][0]["looked_at"]
    again = race(race_config(rounds=1, race_fid=15), tmp_path, {"A": "B"})
    assert len(commands) == 2 * ran
    assert [len(row["runs"]) for row in again] == [1, 1]
    with pytest.raises(UserError, match=r"^race_fid=20.0: .* holds a race with race_fid=15.0; use"):
        race(race_config(race_fid=20), tmp_path, {"A": "B"})
    for damaged in ('{"settings"', '{"settings": {}, "runs": {"baseline": [{}]}}'):
        (tmp_path / "race.json").write_text(damaged)
        with pytest.raises(UserError, match=r"race.json: not the record of a race"):
            race(race_config(race_fid=15), tmp_path, {"A": "B"})


@pytest.mark.usefixtures("commands")
def test_an_fid_can_be_given_and_may_not_be_reached(tmp_path: Path) -> None:
    rows = race(race_config(race_fid=15), tmp_path, {"A": "B"})
    baseline, ours = (row["runs"] for row in rows)
    assert [run["target"] for run in (*baseline, *ours)] == [15] * 4
    assert math.isnan(baseline[0]["seconds"])
    assert baseline[1]["seconds"] == 2
    assert ours[0]["seconds"] == 4
    assert math.isnan(ours[0]["ratio_to_baseline"])
    machine = {"processor": "A & B", "num_threads": 1, "torch": "2", "load_before": 0}
    settings = {"overrides": ["a=b"], "race_checkpoints": 4, "busy": False}
    text = render("race.txt", rows=rows, **machine, **settings)
    lines = text.splitlines()
    assert lines[0] == "A & B, 1 threads, torch 2, load 0.00 before; dcgan-train a=b"
    assert lines[3].split() == ["0", "15.0", "baseline", "64", "20.0", "–", "–"]
    assert lines[5].split() == ["0", "15.0", "ours", "64", "15.0", "4.0", "–"]
    assert lines[-1].split() == ["ours", "–"]


def test_the_baselines_checkpoints_hold_its_generator(tiny: Compose, tmp_path: Path) -> None:
    settings = asdict(tiny("data.channels=1"))
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        train_baseline(settings, 3, tmp_path / name, seed, every=2)
    one, again, two = (load_tensors(tmp_path / name / LAST) for name in ("one", "again", "two"))
    assert one["step"] == 3
    latents = torch.randn(4, settings["generator"]["latent_size"])
    images = [generator_of(content)(latents) for content in (one, again, two)]
    assert torch.equal(images[0], images[1])
    assert not torch.allclose(images[0], images[2])
