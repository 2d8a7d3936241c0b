"""dcgan-cure as a user runs it."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from dcgan.networks.saved import load_generator
from dcgan.sampling import sample
from tests.conftest import TINY, Run, command_environment, command_line


def trained(folder: Path, cache_dir: Path, *words: str) -> Path:
    """A tiny run."""
    line = command_line("train", *TINY, f"hydra.run.dir={folder}", *words, cache_dir=cache_dir)
    subprocess.run(line, env=command_environment(), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """A run of eight steps, with a checkerboard."""
    words = ("upsample=transposed_k4", "data.image_size=32")
    return trained(tmp_path_factory.mktemp("free") / "run", cache_dir, *words)


def test_the_least_change_that_is_clean_is_written(run: Run, tmp_path: Path, free: Path) -> None:
    done = run("cure", f"checkpoint={free}", "num_images=64", "hydra.run.dir=cured")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "cured"
    result = json.loads((folder / "result.json").read_text())
    cures = {cure["name"]: cure for cure in result["cures"]}
    assert {"nothing", "last block balanced, order 1", "all blocks balanced, order 2"} <= set(cures)
    assert not cures["nothing"]["is_clean"]
    assert (cures["nothing"]["change"], cures["nothing"]["detail"]) == (0, 1)
    clean = [cure for cure in cures.values() if cure["is_clean"]]
    best = min(clean, key=lambda cure: cure["change"])
    assert result["recommended"] == best["name"]
    assert f"Recommended: {best['name']}." in done.stdout
    assert done.stdout.splitlines()[-1] == "cured"

    # What is written is what was recommended, in plain weights.
    cured, before = load_generator(folder / "cured.safetensors"), load_generator(free)
    change = (sample(cured, range(64)) - sample(before, range(64))).square().mean().sqrt().item()
    assert change == pytest.approx(best["change"], rel=1e-3)
    with Image.open(folder / "cured.png") as picture:
        assert picture.width > 8 * 4 * 32

    done = run("diagnose", f"target={folder}/cured.safetensors", "num_images=64")
    assert done.returncode == 0, done.stdout


def test_the_cure_with_training_is_a_command_that_runs(
    run: Run, tmp_path: Path, free: Path
) -> None:
    done = run("cure", f"checkpoint={free}", "num_images=32", "hydra.run.dir=cured")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("With training")]
    program, *words = shlex.split(line.removeprefix("With training "))
    assert program.endswith("dcgan-train")
    done = run("train", *words, "trainer=smoke", "hydra.run.dir=tuned")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "tuned" / "metrics.jsonl").open()]
    assert max(line["rho_up1"] for line in lines if "rho_up1" in line) < 1e-9


def test_a_clean_run_needs_no_cure(run: Run, tmp_path: Path, cache_dir: Path) -> None:
    words = ("upsample=transposed_k4_balanced", "data.image_size=32")
    clean = trained(tmp_path / "clean", cache_dir, *words)
    done = run("cure", f"checkpoint={clean}", "num_images=64", "hydra.run.dir=nothing")
    assert done.returncode == 0, done.stderr
    assert "The images are clean as they are" in done.stdout
    assert {path.name for path in (tmp_path / "nothing").iterdir()} <= {"result.json", "cure.log"}


def test_labeled_data_have_a_fid(run: Run, tmp_path: Path, cache_dir: Path) -> None:
    words = ("data=digits", "data.num_images=500", "data.image_size=32")
    digits = trained(tmp_path / "digits", cache_dir, *words)
    done = run("cure", f"checkpoint={digits}", "num_images=64", "hydra.run.dir=cured")
    assert done.returncode in (0, 1), done.stderr
    result = json.loads((tmp_path / "cured" / "result.json").read_text())
    assert all(cure["fid"] > 0 for cure in result["cures"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["checkpoint=nowhere"], "checkpoint=nowhere: no such file or folder"),
        (["checkpoint=.", "num_images=1"], "num_images=1: must be at least 2"),
        ([], "checkpoint is not set: give checkpoint=VALUE"),
    ],
)
def test_mistakes_are_refused_in_one_line(run: Run, words: list[str], message: str) -> None:
    done = run("cure", *words)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [f"dcgan-cure: {message}"]


def test_too_small_images_are_refused(run: Run, tmp_path: Path, cache_dir: Path) -> None:
    small = trained(tmp_path / "small", cache_dir, "data.image_size=8")
    done = run("cure", f"checkpoint={small}", "hydra.run.dir=cured")
    assert done.returncode == 2
    assert "images below 16 pixels have no score" in done.stderr
    assert not (tmp_path / "cured").exists()
