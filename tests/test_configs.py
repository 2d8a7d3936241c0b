"""Every choice in configs/ composes, builds its networks, and says why it is there."""

from pathlib import Path

import dcgan.configs
import pytest
import torch

from dcgan.networks import Discriminator, Generator
from tests.conftest import Compose

FOLDER = Path(dcgan.configs.__path__[0])
CHOICES = sorted(
    f"{path.parent.name}={path.stem}"
    for path in FOLDER.glob("*/*.yaml")
    if path.parent.name != "hydra"
)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes_and_builds_networks_for_its_images(
    compose_train: Compose, choice: str
) -> None:
    needs = {
        "data=folder": ["data.root=somewhere"],
        "loss=wasserstein": ["discriminator.norm=spectral"],
        "regularizer=gradient_penalty": ["discriminator.norm=none"],
    }
    config = compose_train(choice, *needs.get(choice, []))
    shape = {"image_size": config.data.image_size, "channels": config.data.channels}
    generator = Generator(config.generator, config.upsample, **shape)
    discriminator = Discriminator(config.discriminator, config.downsample, **shape)
    images = generator(torch.randn(2, generator.latent_size))
    assert images.shape == (2, config.data.channels, config.data.image_size, config.data.image_size)
    assert discriminator(images).shape == (2,)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_starts_with_a_line_that_says_why(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    why = lines[1] if lines[0] == "# @package _global_" else lines[0]
    assert why.startswith("# ")
    assert len(why) > 20
