"""dcgan-cure as a user runs it."""

import json
import shlex
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from dcgan.commands.cure import settings_of_training
from dcgan.networks.saved import load_generator
from dcgan.sampling import sample
from tests.conftest import TINY, Compose, Run, command_line, finish_forked


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """A run of eight steps, with a checkerboard."""
    folder = tmp_path_factory.mktemp("free") / "run"
    words = ("data.image_size=32", f"hydra.run.dir={folder}")
    line = command_line("train", *TINY, *words, cache_dir=cache_dir)
    done = finish_forked("train", line, folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_smallest_change_that_is_clean_is_written(run: Run, tmp_path: Path, free: Path) -> None:
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
    assert f"Recommended: {best['name']}," in done.stdout
    assert done.stdout.splitlines()[-1] == "cured"

    # The exported generator is the recommended one, with ordinary weights.
    cured, before = load_generator(folder / "cured.safetensors"), load_generator(free)
    change = (sample(cured, range(64)) - sample(before, range(64))).square().mean().sqrt().item()
    assert change == pytest.approx(best["change"], rel=1e-3)
    with Image.open(folder / "cured.png") as picture:
        assert picture.width > 8 * 4 * 32

    # The printed command, which cures by training.
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("With training")]
    program, *words = shlex.split(line.removeprefix("With training "))
    assert program.endswith("dcgan-train")
    done = run("train", *words, "trainer=smoke", "hydra.run.dir=tuned")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "tuned" / "metrics.jsonl").open()]
    assert max(line["rho_up1"] for line in lines if "rho_up1" in line) < 1e-9


def test_the_training_that_cures_has_the_runs_settings(tiny: Compose) -> None:
    def words(*settings: str) -> list[str]:
        return settings_of_training("RUN", asdict(tiny(*settings)))

    listed = words("upsample.layers=[up1,last]", "data.num_images=8", "downsample.balanced=true")
    assert {"start_from=RUN", "upsample.layers=[up1,last]", "upsample.balanced=1"} <= set(listed)
    assert {"data.num_images=8", "downsample.balanced=true"} <= set(listed)
    assert "upsample.balanced=2" in words("upsample=transposed_k4_balanced2")
    assert words("upsample=transposed_k1") == words("upsample=resize_nearest") == []
    assert words("generator=flat") == []
