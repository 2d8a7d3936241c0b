"""Sizes, and the ways to halve an image."""

import pytest
import torch
from torch import nn

from dcgan.config import DiscriminatorConfig, DownsampleConfig
from dcgan.networks import Discriminator
from dcgan.networks.discriminator import downsampling_block

STRIDED = [DownsampleConfig(kind="strided", kernel_size=k) for k in (2, 3, 4, 5, 6)]
POOLED = [DownsampleConfig(kind="pooled", kernel_size=k) for k in (3, 5)]


@pytest.mark.parametrize("config", [*STRIDED, *POOLED], ids=str)
@pytest.mark.parametrize("size", [8, 14, 32])
def test_every_choice_halves_exactly(config: DownsampleConfig, size: int) -> None:
    halved = downsampling_block(config, 3, 5)(torch.randn(2, 3, size, size))
    assert halved.shape == (2, 5, size // 2, size // 2)


@pytest.mark.parametrize("image_size", [8, 28, 32, 56, 64])
def test_one_logit_per_image(image_size: int) -> None:
    discriminator = Discriminator(
        DiscriminatorConfig(filters=4), STRIDED[2], image_size=image_size, channels=3
    )
    logits = discriminator(torch.randn(5, 3, image_size, image_size))
    assert logits.shape == (5,)
    assert not isinstance(list(discriminator.modules())[-1], nn.Sigmoid)


def test_paper_size_is_the_papers_discriminator() -> None:
    discriminator = Discriminator(
        DiscriminatorConfig(filters=64), STRIDED[2], image_size=64, channels=3
    )
    assert sum(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules()) == 3
    assert sum(p.numel() for p in discriminator.parameters()) == 2_765_568


def test_its_initialisation_depends_on_the_seed_alone() -> None:
    def weights(seed: int, config: DownsampleConfig) -> list[torch.Tensor]:
        network = Discriminator(
            DiscriminatorConfig(filters=4), config, image_size=16, channels=1, seed=seed
        )
        return [p.detach() for p in network.parameters()]

    pairs = zip(weights(0, STRIDED[1]), weights(0, POOLED[0]), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    pairs = zip(weights(0, STRIDED[1]), weights(1, STRIDED[1]), strict=True)
    assert not any(torch.equal(a, b) for a, b in pairs if a.std() > 0)
