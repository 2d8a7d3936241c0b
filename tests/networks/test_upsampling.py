"""Every upsampling block doubles height and width, and is initialized as its `init` says."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch.nn import functional as F

from dcgan.config import UpsampleConfig
from dcgan.networks.upsampling import (
    STD,
    UpsamplingBlock,
    initialize_block,
    upsampling_block,
)
from tests.conftest import Compose, choices

CHOICES = choices("upsample")


def build(config: UpsampleConfig, channels: tuple[int, int] = (8, 6)) -> UpsamplingBlock:
    block = upsampling_block(config, *channels)
    with torch.no_grad():
        initialize_block(block, torch.Generator().manual_seed(0))
    return block


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_doubles_height_and_width(compose_train: Compose, choice: str) -> None:
    config = compose_train(f"upsample={choice}").upsample
    for smooth, (height, width) in product((False, True), ((4, 4), (5, 8))):
        block = build(replace(config, smooth=smooth))
        assert block(torch.randn(2, 8, height, width)).shape == (2, 6, 2 * height, 2 * width)


@pytest.mark.parametrize("choice", [c for c in CHOICES if not c.startswith("transposed")])
def test_with_reflect_padding_a_constant_stays_constant_up_to_the_border(
    compose_train: Compose, choice: str
) -> None:
    def spread(padding_mode: str) -> float:
        overrides = (f"upsample={choice}", f"upsample.padding_mode={padding_mode}")
        image = build(compose_train(*overrides).upsample)(torch.ones(1, 8, 6, 6))
        phases = image.unfold(2, 2, 2).unfold(3, 2, 2)  # phases of sub-pixel may differ
        return float(phases.std(dim=(2, 3)).max().item())

    assert spread("reflect") < 1e-6
    assert spread("zeros") > 1e-3


def test_bilinear_initialization_has_equal_gains_and_the_energy_of_independent_taps(
    compose_train: Compose,
) -> None:
    config = compose_train("upsample=transposed_k4_bilinear").upsample
    block = build(config, (128, 128))
    (weight,) = block.parameters()
    assert weight.std().item() == pytest.approx(STD, rel=0.02)
    gains = [weight[..., a::2, b::2].sum((-2, -1)) for a in (0, 1) for b in (0, 1)]
    for gain in gains[1:]:
        torch.testing.assert_close(gain, gains[0])


def test_icnr_starts_as_nearest_neighbor_resizing(compose_train: Compose) -> None:
    image = torch.randn(1, 8, 6, 6)
    doubled = build(compose_train("upsample=subpixel_icnr").upsample)(image)
    assert torch.equal(doubled, F.interpolate(doubled[..., ::2, ::2], scale_factor=2))
    plain = build(compose_train("upsample=subpixel").upsample)(image)
    assert not torch.allclose(plain, F.interpolate(plain[..., ::2, ::2], scale_factor=2))
