"""Runs to report on: two arms with two seeds each, actually trained for a few steps."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dcgan.commands.composing import compose, to_dataclass
from dcgan.config import TrainConfig
from dcgan.training.loop import train
from tests.conftest import TINY


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """ARM/seedN for kernel 3 and resizing, seeds 0 and 1; scored at steps 0, 2, 4 and 8."""
    folder = tmp_path_factory.mktemp("trained")
    for arm in ("transposed_k3", "resize_nearest"):
        for seed in (0, 1):
            overrides = [*TINY, "data.image_size=32", f"upsample={arm}", f"seed={seed}"]
            settings = compose("train", [*overrides, f"data.cache_dir={cache_dir}"])
            config = to_dataclass(settings, TrainConfig)
            train(config, folder / arm / f"seed{seed}", "again")
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained` that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


@pytest.fixture
def more_seeds(runs: Path) -> Path:
    """Seeds 0 to 5 of both arms; seeds 2 to 5 are copies of seed 0."""
    for arm in ("transposed_k3", "resize_nearest"):
        for seed in range(2, 6):
            folder = Path(shutil.copytree(runs / arm / "seed0", runs / arm / f"seed{seed}"))
            config = (folder / "config.yaml").read_text()
            (folder / "config.yaml").write_text(config.replace("seed: 0\n", f"seed: {seed}\n"))
    return runs


def set_score(runs: Path, arm: str, score: str, value: Callable[[int, int], float]) -> None:
    """Overwrite one score of an arm: value(seed, step)."""
    for folder in (runs / arm).iterdir():
        seed = int(folder.name.removeprefix("seed"))
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
        for line in lines:
            if "std" in line:
                line[score] = value(seed, line["step"])
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "metrics.jsonl").write_text(text)
