"""The generator's sizes, range and initialization, and what swapping a block leaves alone."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from dcgan.checkerboard import diagnose
from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.networks import Generator

SIZE = GeneratorConfig(latent_size=6, filters=4)
K3 = UpsampleConfig(kind="transposed", kernel_size=3)
K4 = UpsampleConfig(kind="transposed", kernel_size=4)


@pytest.mark.parametrize("image_size", [8, 16, 28, 32, 56, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_the_requested_size_and_range(image_size: int, channels: int) -> None:
    generator = Generator(SIZE, K4, image_size=image_size, channels=channels)
    images = generator(torch.randn(3, 6))
    assert images.shape == (3, channels, image_size, image_size)
    assert images.abs().max() <= 1


def test_the_paper_size_matches_the_papers_generator() -> None:
    generator = Generator(
        GeneratorConfig(latent_size=100, filters=64), K4, image_size=64, channels=3
    )
    widths = [m.out_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert widths == [512, 256, 128, 64, 3]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in generator.modules()) == 4
    assert sum(p.numel() for p in generator.parameters()) == 3_576_704


def test_initialization_matches_the_paper() -> None:
    generator = Generator(
        GeneratorConfig(latent_size=100, filters=32), K4, image_size=32, channels=1
    )
    for layer in generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert layer.weight.mean().item() == pytest.approx(0, abs=0.002)
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
            assert layer.bias.abs().max() == 0


def test_swapping_the_block_changes_only_the_blocks_and_another_seed_everything() -> None:
    first = Generator(SIZE, K3, image_size=32, channels=3, seed=5).state_dict()
    second = Generator(SIZE, K4, image_size=32, channels=3, seed=5).state_dict()
    assert first.keys() == second.keys()
    differing = {name for name in first if not torch.equal(first[name], second[name])}
    assert differing == {f"layers.up{i}.0.weight" for i in (1, 2, 3)}
    other = Generator(SIZE, K3, image_size=32, channels=3, seed=6)
    drawn = [name for name, weight in other.named_parameters() if weight.std() > 0]
    assert not any(torch.equal(first[name], other.get_parameter(name)) for name in drawn)


@pytest.mark.parametrize("order", [1, 2])
def test_balancing_keeps_the_initial_std_and_changes_only_the_blocks(order: Any) -> None:
    size = GeneratorConfig(latent_size=6, filters=32)
    free, balanced = (
        Generator(size, replace(K4, balanced=n), image_size=32, channels=3, seed=5)
        for n in (0, order)
    )
    for name in ("up1", "up2", "up3"):
        block, other = free.layers.get_submodule(name), balanced.layers.get_submodule(name)
        std, expected = (each[0].weight.std().item() for each in (other, block))  # type: ignore[index]
        assert std == pytest.approx(expected, rel=0.01)
    assert all(layer.rho == pytest.approx(0, abs=1e-12) for layer in diagnose(balanced).layers)
    rest = {k: v for k, v in balanced.state_dict().items() if "parametrizations" not in k}
    assert len(rest) == len(free.state_dict()) - 3
    assert all(torch.equal(v, free.state_dict()[k]) for k, v in rest.items())


def test_selected_layers_use_the_choice_and_the_others_resize() -> None:
    config = UpsampleConfig(kind="transposed", kernel_size=3, layers="last")
    layers = Generator(SIZE, config, image_size=32, channels=1).layers
    kinds = [type(layers.get_submodule(f"up{i}")[0]) for i in (1, 2, 3)]  # type: ignore[index]
    assert kinds == [nn.Upsample, nn.Upsample, nn.ConvTranspose2d]


def test_a_flat_generator_has_full_resolution_and_stride_1_throughout() -> None:
    flat = GeneratorConfig(kind="flat", filters=5, kernel_size=9, num_layers=4)
    generator = Generator(flat, K4, image_size=16, channels=3)
    assert generator.latent_size == 16 * 16
    assert generator(torch.randn(2, 16 * 16)).shape == (2, 3, 16, 16)
    layers = [m for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in layers] == [(1, 5), (5, 5), (5, 5), (5, 3)]
    assert all(m.stride == (1, 1) for m in layers)
    assert not diagnose(generator).layers
