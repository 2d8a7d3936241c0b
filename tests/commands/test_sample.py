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


def test_it_writes_what_was_asked_for(run: Run, tmp_path: Path, trained: Path) -> None:
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

    # The strip starts, turns and ends at the chosen images themselves.
    single = np.asarray(Image.open(out / "images" / "seed000014.png"))
    strip_pixels = np.asarray(Image.open(out / "interpolation.png"))
    assert np.array_equal(strip_pixels[2:18, 4 * 18 + 2 : 5 * 18], single)
    assert np.array_equal(strip_pixels[20:36, 2:18], single)

    # The export is the same generator, in three lines of Python and from the command.
    images = sample(load_generator(out / "generator.safetensors"), [3, 14, 15])
    assert torch.equal(images, sample(load_generator(trained), [3, 14, 15]))
    again = run("sample", "checkpoint=out/generator.safetensors", "hydra.run.dir=again")
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "again" / "result.json").read_text())["seeds"] == list(range(64))


def test_raw_weights_are_a_choice(run: Run, tmp_path: Path, trained: Path) -> None:
    pictures = []
    for options in ([], ["weights=raw"]):
        done = run("sample", f"checkpoint={trained}", *options, "hydra.run.dir=out")
        assert done.returncode == 0, done.stderr
        pictures.append((tmp_path / "out" / "grid.png").read_bytes())
    assert len(set(pictures)) == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "checkpoint is not set: give checkpoint=VALUE"),
        (["checkpoint=missing"], "missing: no such file"),
        (["checkpoint=x", "num_images=0"], "num_images=0: must be at least 1"),
        (["checkpoint=x", "seeds=[-1]"], "seeds=-1: must be at least 0"),
        (["checkpoint=x", "seeds=many"], "seeds=many: must be a list, in brackets"),
        (["checkpoint=x", "weights=best"], "weights=best: must be one of ema, raw"),
        (["checkpoint=x", "interpolation_frames=3"], "choose two seeds or more"),
        (["checkpoint=x", "nonsense=3"], "nonsense: no such setting; there are checkpoint"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, overrides: list[str], message: str
) -> None:
    done = run("sample", *overrides)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_help_shows_an_example(run: Run) -> None:
    assert "dcgan-sample checkpoint=RUN" in run("sample", "--help").stdout
