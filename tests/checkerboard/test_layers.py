"""ρ and κ of every upsampling option, at initialization and for constant kernels."""

import copy
import math

import pytest
import torch
from torch import nn

from dcgan.checkerboard import balance
from dcgan.checkerboard.layers import (
    Stamp,
    input_moments,
    measure_stamp,
    second_moment,
    step_imbalance,
    tap_contrast,
)
from dcgan.config import UpsampleConfig
from dcgan.convolution import coverage_ratio
from dcgan.networks.upsampling import initialize_block, upsampling_block
from tests.conftest import Compose, choices


def build(config: UpsampleConfig, constant: bool = False) -> nn.Sequential:
    block = upsampling_block(config, 128, 64)
    with torch.no_grad():
        initialize_block(block, torch.Generator().manual_seed(0))
    if constant:
        for weight in block.parameters():
            nn.init.ones_(weight)
    return block


@pytest.mark.parametrize("choice", choices("upsample"))
def test_at_step_0_rho_matches_independent_taps_and_kappa_matches_coverage(
    compose_train: Compose, choice: str
) -> None:
    config = compose_train(f"upsample={choice}").upsample
    block = build(config)
    if config.balanced:
        balance(block, order=config.balanced, keep_norm=True)
    stamp = measure_stamp(block)
    if config.kind == "resize" or config.init in ("icnr", "bilinear") or config.balanced:
        values = torch.randn(128, 128, dtype=torch.float64)
        for moment in (None, values @ values.T):
            assert step_imbalance(stamp, moment) == pytest.approx(0, abs=1e-12)
    else:  # four independent phases, whatever the kernel
        assert step_imbalance(stamp) == pytest.approx(0.75, abs=0.01)
    even = config.kind != "transposed"
    coverage = 1 if even else coverage_ratio([config.kernel_size] * 2, (2, 2))
    if not config.balanced:  # balanced kernels have a different unevenness of energy
        assert tap_contrast(stamp) == pytest.approx(coverage, rel=0.04)


@pytest.mark.parametrize(
    ("kernel_size", "imbalance", "contrast"),
    [(1, 0.75, math.inf), (2, 0, 1), (3, 0.19, 4), (4, 0, 1), (5, 0.07544, 2.25), (6, 0, 1)],
)
def test_kappa_of_constant_kernels_is_their_coverage(
    compose_train: Compose, kernel_size: int, imbalance: float, contrast: float
) -> None:
    config = compose_train(f"upsample=transposed_k{kernel_size}").upsample
    stamp = measure_stamp(build(config, constant=True))
    assert step_imbalance(stamp) == pytest.approx(imbalance, abs=1e-5)
    assert tap_contrast(stamp) == pytest.approx(contrast, abs=1e-9)


def test_the_step_response_is_the_sum_of_taps_per_phase() -> None:
    layer = nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1, bias=True).double()
    gains = measure_stamp(layer).gains
    for a in (0, 1):
        for b in (0, 1):
            # Output o uses the taps t with t ≡ o + padding (mod stride).
            taps = layer.weight[:, :, (a + 1) % 2 :: 2, (b + 1) % 2 :: 2].sum((-2, -1))
            torch.testing.assert_close(gains[a, b], taps.T.detach(), rtol=0, atol=1e-12)


def test_rho_is_weighted_by_the_real_input_channels() -> None:
    layer = nn.ConvTranspose2d(2, 1, 2, stride=2, bias=False).double()
    with torch.no_grad():
        layer.weight[0] = torch.tensor([[1.0, 1.0], [1.0, 1.0]])  # even
        layer.weight[1] = torch.tensor([[4.0, 0.0], [0.0, 0.0]])  # three quarters uneven
    inputs = torch.zeros(8, 2, 4, 4)
    inputs[:, 0] = torch.randn(8, 4, 4)
    stamp = measure_stamp(layer)
    assert step_imbalance(stamp, second_moment(inputs)) == pytest.approx(0, abs=1e-12)
    assert step_imbalance(stamp, second_moment(inputs.flip(1))) == pytest.approx(0.75)
    x = torch.randn(5, 2, 3, 3)
    vectors = x.permute(0, 2, 3, 1).reshape(-1, 2).double()
    torch.testing.assert_close(second_moment(x), vectors.T @ vectors / len(vectors))


def respond(block: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The block's linear part, by brute force."""
    block = block.double()
    with torch.no_grad():
        answer: torch.Tensor = block(inputs) - block(torch.zeros_like(inputs[:1]))
    return answer


SHAPES = {
    "transposed, cropped unevenly": nn.ConvTranspose2d(6, 4, 5, 3, 2, 1),
    "transposed, grouped": nn.ConvTranspose2d(6, 4, 4, 2, 1, groups=2),
    "transposed, dilated": nn.ConvTranspose2d(6, 4, 3, 2, 2, dilation=2, output_padding=1),
    "transposed, wider than its stride needs": nn.ConvTranspose2d(6, 4, 3, 2),
    "resize, mirrored border": nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect")
    ),
    "resize, border layer": nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.ReflectionPad2d(1), nn.Conv2d(6, 4, 3)
    ),
    "sub-pixel by 3": nn.Sequential(nn.Conv2d(6, 36, 3, padding=1), nn.PixelShuffle(3)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_measured_response_is_that_of_the_unchanged_block(name: str) -> None:
    """Compared with feeding constants and impulses into the block itself, channel by channel."""
    block = SHAPES[name].float()
    before = copy.deepcopy(block.state_dict())
    stamp = measure_stamp(block)
    for weight_name, weight in block.state_dict().items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, before[weight_name])
    (scale, _), size = stamp.scale, 16
    one = torch.eye(6, dtype=torch.float64)[:, :, None, None]
    constant = respond(block, one.expand(-1, -1, size, size))
    middle = size // 2 * scale
    inside = constant[:, :, middle : middle + scale, middle : middle + scale]
    torch.testing.assert_close(stamp.gains, inside.permute(2, 3, 1, 0), rtol=0, atol=1e-12)

    impulse = torch.zeros(6, 6, size, size, dtype=torch.float64)
    impulse[:, :, size // 2, size // 2] = one[:, :, 0, 0]
    energy = respond(block, impulse).square().mean((0, 1))
    assert stamp.energy is not None
    assert stamp.energy.sum().item() == pytest.approx(energy.sum().item(), abs=1e-12)
    assert stamp.energy.max().item() == pytest.approx(energy.max().item(), abs=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.ConvTranspose1d(3, 2, 4, 2, 1), (2,)),
        (nn.ConvTranspose3d(3, 2, 4, 2, 1), (2, 2, 2)),
        (nn.ConvTranspose3d(3, 2, (1, 4, 4), (1, 2, 2), (0, 1, 1)), (1, 2, 2)),
    ],
)
def test_one_and_three_dimensions(layer: nn.Module, shape: tuple[int, ...]) -> None:
    stamp = measure_stamp(layer)
    assert stamp.gains.shape == (*shape, 2, 3)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.fill_(1.0)
    assert step_imbalance(measure_stamp(layer)) == pytest.approx(0, abs=1e-12)
    assert tap_contrast(measure_stamp(layer)) == pytest.approx(1)


def test_invalid_blocks_are_refused() -> None:
    for block, reason in {
        nn.ReLU(): "0 convolutions",
        nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)): "2 convolutions",
        nn.Sequential(nn.Upsample(size=(9, 9)), nn.Conv2d(1, 1, 3)): "depends on its input",
        nn.Sequential(nn.Upsample(scale_factor=1.5), nn.Conv2d(1, 1, 3)): "not integers",
    }.items():
        with pytest.raises(ValueError, match=reason):
            measure_stamp(block)


def test_moments_match_the_recorded_inputs() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 2, 2, 2), nn.Identity())
    x = torch.randn(6, 3, 5, 5)
    with input_moments({"up": network[1], "unused": nn.Identity()}) as moments, torch.no_grad():
        network(x)
    assert set(moments) == {"up"}
    with torch.no_grad():
        torch.testing.assert_close(moments["up"], second_moment(network[0](x)))
    before = moments["up"].clone()
    network(x)
    assert torch.equal(moments["up"], before)  # no longer recording


def test_rho_of_a_zero_response_is_0() -> None:
    nothing = torch.zeros(2, 2, 1, 1, dtype=torch.float64)
    assert step_imbalance(Stamp(nothing, torch.zeros(2, 2), (2, 2), nothing[..., 0])) == 0


def test_a_bias_that_all_phases_share_does_not_hide_the_pattern() -> None:
    block = nn.ConvTranspose2d(5, 3, 4, 2, 1)
    moment = second_moment(torch.randn(2, 5, 8, 8), constant=True)
    before = step_imbalance(measure_stamp(block), moment)
    assert block.bias is not None
    block.bias.data += 20
    assert step_imbalance(measure_stamp(block), moment) == pytest.approx(before, abs=1e-6)
