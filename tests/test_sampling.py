"""Sampling: each image depends only on its seed; interpolation; export."""

import copy
from pathlib import Path

import pytest
import torch

from dcgan.config import GeneratorConfig, SampleConfig, UpsampleConfig
from dcgan.networks import Generator, load_generator
from dcgan.networks.saved import export_generator
from dcgan.sampling import generate, interpolate, latents_of_seeds, sample, write_samples
from dcgan.training.loop import train
from tests.conftest import Compose


@pytest.fixture
def generator() -> Generator:
    """A tiny generator whose running statistics differ from their initial values."""
    upsample = UpsampleConfig(kind="subpixel", kernel_size=3, smooth=True, layers=["up1", "last"])
    size = GeneratorConfig(latent_size=8, filters=4)
    network = Generator(size, upsample, image_size=16, channels=1)
    for _ in range(20):
        network(torch.randn(32, 8))
    return network


def test_an_image_does_not_depend_on_its_batch(generator: Generator) -> None:
    latents = torch.randn(10, 8)
    together = generate(generator, latents)
    alone = torch.cat([generate(generator, latents[i : i + 1]) for i in range(10)])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together, generate(generator, latents, batch_size=3))


@pytest.mark.parametrize("training", [False, True])
def test_sampling_does_not_change_the_generator(generator: Generator, training: bool) -> None:
    generator.train(training)
    before = copy.deepcopy(generator.state_dict())
    images = generate(generator, torch.randn(4, 8))
    assert not images.requires_grad
    assert generator.training is training
    after = generator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_seed_gives_the_same_image_regardless_of_the_other_seeds(generator: Generator) -> None:
    assert torch.equal(latents_of_seeds([7, 3], 8)[0], latents_of_seeds([7], 8)[0])
    torch.testing.assert_close(sample(generator, [3, 7])[1], sample(generator, range(9))[7])


def test_interpolation_includes_its_ends_and_keeps_step_angle_and_length_constant() -> None:
    latents = torch.nn.functional.normalize(torch.randn(3, 100, dtype=torch.float64))
    path = interpolate(latents, 10)
    assert path.shape == (21, 100)
    torch.testing.assert_close(path[::10], latents)
    steps = [torch.cosine_similarity(path[i], path[i + 1], dim=0).acos() for i in range(10)]
    torch.testing.assert_close(torch.stack(steps), steps[0].expand(10))
    lengths = interpolate(10 * latents, 10).norm(dim=1)  # not so on a straight line
    torch.testing.assert_close(lengths, torch.full_like(lengths, 10))
    still = latents[:1].expand(5, 100)
    torch.testing.assert_close(interpolate(still[:2], 4), still)


def test_an_exported_generator_is_the_same_generator(tmp_path: Path, generator: Generator) -> None:
    export_generator(tmp_path / "g.safetensors", generator)
    loaded = load_generator(tmp_path / "g.safetensors")
    assert not loaded.training
    assert loaded.upsample == generator.upsample
    assert all(map(torch.equal, loaded.state_dict().values(), generator.state_dict().values()))
    latents = torch.randn(2, 8)
    assert torch.equal(generate(loaded, latents), generate(generator, latents))
    config = SampleConfig(checkpoint=str(tmp_path / "g.safetensors"), num_images=3)
    assert write_samples(config, tmp_path / "out")["seeds"] == [0, 1, 2]
    assert (tmp_path / "out" / "grid.png").is_file()


def test_the_weights_that_were_used_are_recorded(tmp_path: Path, tiny: Compose) -> None:
    for half_life, weights in ((1000, "ema"), (0, "raw")):
        run = tmp_path / weights
        train(tiny(f"trainer.ema_half_life_images={half_life}"), run, "again")
        found = write_samples(SampleConfig(checkpoint=str(run), num_images=2), tmp_path / "out")
        assert found["weights"] == weights
