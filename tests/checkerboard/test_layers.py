"""ρ and κ of every upsampling choice, at initialisation and for constant kernels."""

import math

import pytest
import torch
from torch import nn

from dcgan.checkerboard.layers import (
    second_moment,
    step_imbalance,
    step_response,
    tap_contrast,
)
from dcgan.networks.upsampling import initialise_block, upsampling_block
from tests.conftest import Compose

FREE = ["transposed_k2", "transposed_k3", "transposed_k4", "transposed_k5", "transposed_k6"]
EVEN = ["transposed_k4_bilinear", "resize_nearest", "resize_bilinear", "subpixel_icnr"]


def build(compose_train: Compose, choice: str, constant: bool = False) -> nn.Module:
    config = compose_train(f"upsample={choice}").upsample
    block = upsampling_block(config, 128, 64)
    initialise_block(block, config.init, 0.02, torch.Generator().manual_seed(0))
    if constant:
        for weight in block.parameters():
            nn.init.ones_(weight)
    return block


@pytest.mark.parametrize("choice", [*FREE, "subpixel"])
def test_independent_taps_leave_three_quarters_uneven_whatever_the_kernel(
    compose_train: Compose, choice: str
) -> None:
    assert step_imbalance(build(compose_train, choice), 128) == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("choice", EVEN)
def test_what_cannot_make_a_grid_at_step_0_scores_exactly_zero(
    compose_train: Compose, choice: str
) -> None:
    assert step_imbalance(build(compose_train, choice), 128) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("kernel_size", "imbalance", "contrast"),
    [(2, 0, 1), (3, 0.19, 4), (4, 0, 1), (5, 0.07544, 2.25), (6, 0, 1)],
)
def test_constant_kernels_have_their_coverage_as_contrast(
    compose_train: Compose, kernel_size: int, imbalance: float, contrast: float
) -> None:
    choice = f"transposed_k{kernel_size}"
    constant = build(compose_train, choice, constant=True)
    assert step_imbalance(constant, 128) == pytest.approx(imbalance, abs=1e-5)
    assert tap_contrast(constant, 128) == pytest.approx(contrast, abs=1e-9)
    drawn = build(compose_train, choice)
    assert tap_contrast(drawn, 128) == pytest.approx(contrast, rel=0.03)


def test_dead_zones_have_no_bound(compose_train: Compose) -> None:
    assert tap_contrast(build(compose_train, "transposed_k1"), 128) == math.inf


def test_the_step_response_is_the_sum_of_each_phases_taps() -> None:
    layer = nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1, bias=True).double()
    gains = step_response(layer, 3)
    for a in (0, 1):
        for b in (0, 1):
            # Output o reads the taps t with t ≡ o + padding modulo the stride.
            taps = layer.weight[:, :, (a + 1) % 2 :: 2, (b + 1) % 2 :: 2].sum((-2, -1))
            torch.testing.assert_close(gains[a, b], taps.T.detach(), rtol=0, atol=1e-12)


def test_the_moment_weighs_the_channels_that_the_layer_really_sees() -> None:
    layer = nn.ConvTranspose2d(2, 1, 2, stride=2, bias=False).double()
    with torch.no_grad():
        layer.weight[0] = torch.tensor([[1.0, 1.0], [1.0, 1.0]])  # even
        layer.weight[1] = torch.tensor([[4.0, 0.0], [0.0, 0.0]])  # three quarters uneven
    inputs = torch.zeros(8, 2, 4, 4)
    inputs[:, 0] = torch.randn(8, 4, 4)
    assert step_imbalance(layer, 2, second_moment(inputs)) == pytest.approx(0, abs=1e-12)
    assert step_imbalance(layer, 2, second_moment(inputs.flip(1))) == pytest.approx(0.75)
    x = torch.randn(5, 2, 3, 3)
    vectors = x.permute(0, 2, 3, 1).reshape(-1, 2).double()
    torch.testing.assert_close(second_moment(x), vectors.T @ vectors / len(vectors))


def test_measuring_leaves_the_block_as_it_was(compose_train: Compose) -> None:
    block = build(compose_train, "subpixel")
    before = [weight.clone() for weight in block.parameters()]
    step_imbalance(block, 128)
    assert all(torch.equal(a, b) for a, b in zip(before, block.parameters(), strict=True))
    assert all(weight.dtype == torch.float32 for weight in block.parameters())
