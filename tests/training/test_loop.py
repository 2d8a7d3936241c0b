"""A whole training, in this process: what it learns, and what it returns."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.data.preparation import prepare
from dcgan.evaluation.distances import frechet_distance
from dcgan.pictures import normalize
from dcgan.sampling import load_generator, sample
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected
from dcgan.training.loop import train
from tests.conftest import Compose

DIGITS = ("data=digits", "data.num_images=400", "trainer.num_scored=0", "trainer.batch_size=32")


def features(images: Tensor) -> Tensor:
    """(N, C, 16, 16) images as (N, 16): brightness of coarse blocks."""
    return F.avg_pool2d(images, 4).flatten(1)


def test_a_run_that_is_finished_is_left_alone_and_can_be_made_longer(
    tiny: Compose, tmp_path: Path
) -> None:
    first = train(tiny(), tmp_path, "")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert train(tiny("resume=auto"), tmp_path, "") == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    (tmp_path / "result.json").unlink()  # the run was killed while it wrote that
    assert train(tiny("resume=auto"), tmp_path, "")["metrics"] == first["metrics"]
    longer = train(tiny("resume=auto", "trainer.steps=9"), tmp_path, "")
    assert (longer["step"], longer["resumed_from_step"]) == (9, 8)


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["transposed_k4", "resize_nearest"])
def test_training_brings_generated_images_nearer_to_real_ones(
    tiny: Compose, tmp_path: Path, choice: str
) -> None:
    size = ("generator.filters=16", "discriminator.filters=16", "trainer.steps=250")
    config = tiny(*DIGITS, f"upsample={choice}", *size)
    real = features(normalize(torch.from_numpy(prepare(config.data).open())))
    with connected(config.trainer) as fabric:
        untrained = build_state(config, prepare(config.data), fabric).sampler
    result = train(config, tmp_path / "run", "")
    assert (result["step"], result["images_seen"]) == (250, 8000)
    before, after = (
        frechet_distance(real, features(sample(generator, range(400))))
        for generator in (untrained, load_generator(tmp_path / "run"))
    )
    assert after < before / 4
