"""dcgan-evaluate as a user runs it."""

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run, command_line, finish_forked

FEW = ("num_images=80", "seeds=[0,1,2]")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """A run of eight steps on digits."""
    folder = tmp_path_factory.mktemp("evaluated") / "trained"
    digits = ("data=digits", "data.image_size=8", "data.num_images=500", f"hydra.run.dir={folder}")
    overrides = ("experiment=smoke", *digits, "trainer.fid_every=4")
    done = finish_forked(
        "train", command_line("train", *overrides, cache_dir=cache_dir), folder.parent
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_is_scored_along_with_real_images(run: Run, tmp_path: Path, trained: Path) -> None:
    done = run("evaluate", f"checkpoint={trained}", *FEW, "hydra.run.dir=quality")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "quality"
    assert lines[0].split() == ["generated", "real"]
    assert lines[1].startswith("FID")
    result = json.loads((tmp_path / "quality" / "result.json").read_text())
    fid = result["scores"]["fid"]
    assert len(fid["values"]) == 3
    assert fid["low"] < fid["mean"] < fid["high"]
    assert result["real_training_images"]["fid"] < fid["mean"]
    assert result["weights"] == "ema"
    assert (result["num_images"], result["sampling_seeds"]) == (80, [0, 1, 2])
    assert result["features"]["kind"] == "classifier"
    assert math.isclose(sum(result["class_shares"]), 1)
    assert result["step"] == 8
    with Image.open(tmp_path / "quality" / "quality.png") as picture:
        assert picture.size == (10 * 10 + 2, 10 * 10 + 2)  # ten rows, one column per class

    raw = ("weights=raw", "hydra.run.dir=other")
    done = run("evaluate", f"checkpoint={trained}/checkpoints/best.pt", *FEW, *raw)
    assert done.returncode == 0, done.stderr
    other = json.loads((tmp_path / "other" / "result.json").read_text())
    assert other["weights"] == "raw"
    assert other["scores"]["fid"]["mean"] != fid["mean"]


def test_the_best_checkpoint_has_the_lowest_fid(trained: Path) -> None:
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").open()]
    fids = {line["step"]: line["fid"] for line in lines if "fid" in line}
    assert set(fids) == {4, 8}
    result = json.loads((trained / "result.json").read_text())
    assert result["best_fid"] == min(fids.values())
    assert result["best_checkpoint"] == "checkpoints/best.pt"


def test_root_is_refused_for_generated_data(run: Run, tmp_path: Path, trained: Path) -> None:
    done = run("evaluate", f"checkpoint={trained}", "root=here")
    assert done.returncode == 2, done.stderr
    assert done.stderr == "dcgan-evaluate: root=here: has no effect on data=digits\n"
    assert not list(tmp_path.iterdir())
