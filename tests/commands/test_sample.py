"""dcgan-sample as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.sampling import load_generator, sample
from tests.conftest import TINY, Run


@pytest.fixture
def trained(run: Run, tmp_path: Path) -> Path:
    done = run("train", *TINY, "hydra.run.dir=trained")
    assert done.returncode == 0, done.stderr
    return tmp_path / "trained"


def test_it_writes_the_requested_files(run: Run, tmp_path: Path, trained: Path) -> None:
    done = run(
        *("sample", "checkpoint=trained", "seeds=[3,14,15]", "single_files=true"),
        *("interpolation_frames=4", "export=true", "hydra.run.dir=out"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "out"
    out = tmp_path / "out"
    assert sorted(path.name for path in (out / "images").iterdir()) == [
        *("seed000003.png", "seed000014.png", "seed000015.png"),
    ]
    with Image.open(out / "interpolation.png") as strip:
        assert strip.size == (5 * 18 + 2, 2 * 18 + 2)
    result = json.loads((out / "result.json").read_text())
    assert result["seeds"] == [3, 14, 15]
    assert all((out / path).exists() for path in result["files"].values())

    # The strip starts, turns and ends at the selected images themselves.
    single = np.asarray(Image.open(out / "images" / "seed000014.png"))
    strip_pixels = np.asarray(Image.open(out / "interpolation.png"))
    assert np.array_equal(strip_pixels[2:18, 4 * 18 + 2 : 5 * 18], single)
    assert np.array_equal(strip_pixels[20:36, 2:18], single)

    # The export is the same generator, loaded in three lines of Python and by the command.
    images = sample(load_generator(out / "generator.safetensors"), [3, 14, 15])
    assert torch.equal(images, sample(load_generator(trained), [3, 14, 15]))
    again = run("sample", "checkpoint=out/generator.safetensors", "hydra.run.dir=again")
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "again" / "result.json").read_text())["seeds"] == list(range(64))


def test_raw_weights_can_be_selected(run: Run, tmp_path: Path, trained: Path) -> None:
    pictures = []
    for options in ([], ["weights=raw"]):
        done = run("sample", f"checkpoint={trained}", *options, "hydra.run.dir=out")
        assert done.returncode == 0, done.stderr
        pictures.append((tmp_path / "out" / "grid.png").read_bytes())
    assert len(set(pictures)) == 2
