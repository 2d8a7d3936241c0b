"""The discriminator's sizes, downsampling blocks, initialization and normalization."""

from typing import Any

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
def test_every_block_halves_height_and_width(config: DownsampleConfig, size: int) -> None:
    halved = downsampling_block(config, 3, 5)(torch.randn(2, 3, size, size))
    assert halved.shape == (2, 5, size // 2, size // 2)


@pytest.mark.parametrize("image_size", [8, 28, 32, 56, 64])
def test_the_output_is_one_logit_per_image(image_size: int) -> None:
    discriminator = Discriminator(
        DiscriminatorConfig(filters=4), STRIDED[2], image_size=image_size, channels=3
    )
    logits = discriminator(torch.randn(5, 3, image_size, image_size))
    assert logits.shape == (5,)
    assert not isinstance(list(discriminator.modules())[-1], nn.Sigmoid)


def test_the_paper_size_matches_the_papers_discriminator() -> None:
    discriminator = Discriminator(
        DiscriminatorConfig(filters=64), STRIDED[2], image_size=64, channels=3
    )
    assert sum(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules()) == 3
    assert sum(p.numel() for p in discriminator.parameters()) == 2_765_568


def test_initialization_depends_only_on_the_seed() -> None:
    def weights(seed: int, config: DownsampleConfig) -> list[torch.Tensor]:
        network = Discriminator(
            DiscriminatorConfig(filters=4), config, image_size=16, channels=1, seed=seed
        )
        return [p.detach() for p in network.parameters()]

    pairs = zip(weights(0, STRIDED[1]), weights(0, POOLED[0]), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    pairs = zip(weights(0, STRIDED[1]), weights(1, STRIDED[1]), strict=True)
    assert not any(torch.equal(a, b) for a, b in pairs if a.std() > 0)


@pytest.mark.parametrize("norm", ["batch", "spectral"])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_a_balanced_layers_input_gradient_has_no_checkerboard(kernel_size: Any, norm: Any) -> None:
    """The input gradient of a strided convolution is a transposed convolution."""

    def unevenness(balanced: bool) -> float:
        discriminator = Discriminator(
            DiscriminatorConfig(filters=4, norm=norm),
            DownsampleConfig(kind="strided", kernel_size=kernel_size, balanced=balanced),
            image_size=32,
            channels=2,
        )
        x = torch.randn(1, 2, 32, 32, requires_grad=True)
        answer = discriminator.layers.get_submodule("down1")(x)
        (gradient,) = torch.autograd.grad(answer.sum(), x)
        return float(gradient[..., 8:24, 8:24].flatten(2).std(2).max() / gradient.abs().mean())

    assert unevenness(balanced=False) > 0.1
    assert unevenness(balanced=True) < 1e-5


def discriminator_with(norm: Any) -> Discriminator:
    size = DiscriminatorConfig(filters=4, norm=norm)
    return Discriminator(size, STRIDED[2], image_size=32, channels=1)


def test_weights_are_the_same_with_and_without_batch_norm() -> None:
    batch, none = (discriminator_with(norm) for norm in ("batch", "none"))
    assert [sum(isinstance(m, nn.BatchNorm2d) for m in x.modules()) for x in (batch, none)] == [
        2,
        0,
    ]
    for network in (batch, none):  # with batch norm, its shift replaces the bias
        biases = [m.bias is not None for m in network.modules() if isinstance(m, nn.Conv2d)]
        assert set(biases) == {network is none}
    for name, weight in none.named_parameters():
        if name.endswith("weight"):
            assert torch.equal(weight, batch.get_parameter(name))
        else:
            assert not weight.any()


def test_with_spectral_norm_the_largest_singular_value_is_one() -> None:
    network = discriminator_with("spectral")
    for _ in range(50):  # each pass in training mode is one step of the power iteration
        network(torch.randn(2, 1, 32, 32))
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d)]
    for weight in weights:
        largest = torch.linalg.matrix_norm(weight.flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, rel=0.02)
    assert len(weights) == 4
