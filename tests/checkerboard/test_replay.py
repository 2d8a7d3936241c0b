"""Responses of a block with what is linear around it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import diagnose, replay
from tests.checkerboard.networks import X, only


@pytest.mark.parametrize("example", [None, X])
def test_what_is_linear_around_a_layer_counts(example: Tensor | None) -> None:
    biased = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))
    with torch.no_grad():
        weight, bias = biased[0].parameters()
        weight.copy_(weight[::4].repeat_interleave(4, 0))
        bias.copy_(torch.tensor([1.0, -1, -1, 1]).repeat(3))
    assert 0.6 < (only(biased, example).rho or 0) < 0.9
    blurred = nn.Sequential(nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.AvgPool2d(2, 1))
    assert only(blurred, example).rho == pytest.approx(0, abs=1e-9)
    one_slope = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PReLU(), nn.PixelShuffle(2))
    assert only(one_slope, example).verdict == "grid"
    slopes = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PReLU(12), nn.PixelShuffle(2))
    assert only(slopes, example).verdict == "not judged"


def test_half_of_a_pattern_survives_a_stride() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(8, 4, 4, 4), nn.AvgPool2d(2))
    with torch.no_grad():
        y = network(torch.ones(1, 8, 6, 6))
    assert not torch.allclose(y[..., 2, 2], y[..., 3, 3])
    assert only(network, X).verdict == "grid"
    network[1] = nn.AvgPool2d(4)
    assert only(network, X).rho == pytest.approx(0, abs=1e-9)


def test_what_follows_and_cannot_be_measured_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.conv = nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.up(x)) * torch.linspace(0, 1, 24)  # type: ignore[no-any-return]

    assert only(Masked(), X).kappa is not None
    # A torus of 2x2 pixels remains possible, of those that κ needs none.
    monkeypatch.setattr(replay, "MAX_COST", 9 * 4 * 72 * 8 * 8)
    row = only(Masked(), X)
    assert (row.verdict, row.kappa) == ("grid", None)


def share_of(network: nn.Sequential, channels: int, period: int) -> float:
    """ρ for independent channels, by feeding each a constant, away from borders."""
    eye = torch.eye(channels, dtype=torch.float64)[..., None, None]
    with torch.no_grad():
        y = network.double()(eye.expand(-1, -1, 24, 24))
    start = y.shape[-1] // 2
    tile = y[..., start : start + period, start : start + period]
    uneven = tile - tile.mean((-2, -1), keepdim=True)
    return float(uneven.square().sum() / tile.square().sum())


@pytest.mark.parametrize("kernel_size", [3, 6])
def test_a_stride_that_does_not_divide_the_scale_may_follow(kernel_size: int) -> None:
    """The usual block for 1.5 times the size: up by 3, down by 2."""
    torch.manual_seed(0)
    down = nn.Conv2d(8, 8, 3, 2, 1, bias=False)
    up = nn.ConvTranspose2d(8, 8, kernel_size, 3, bias=False)
    network = nn.Sequential(up, down)
    (row,) = diagnose(network).layers
    assert row.rho == pytest.approx(share_of(network, 8, 3), abs=1e-6)
    nn.init.constant_(up.weight, 0.1)
    assert share_of(network, 8, 3) < 1e-12
    (row,) = diagnose(network).layers
    assert row.rho == pytest.approx(0, abs=1e-12)


class Zeros(nn.Module):
    """Zeros between the pixels of an image."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
        y[..., ::2, ::2] = x
        return y


def test_zeros_between_a_convolutions_pixels_are_weighted_as_in_a_transposed_convolution() -> None:
    torch.manual_seed(0)
    first, up = nn.Conv2d(8, 16, 3), nn.ConvTranspose2d(16, 8, 3, 2, 1, 1)
    last = nn.Conv2d(16, 8, 3, padding=1)
    last.weight.data, last.bias = up.weight.transpose(0, 1).flip(2, 3).data, up.bias
    x = torch.randn(4, 8, 12, 12)
    torch.testing.assert_close(last(Zeros()(first(x))), up(first(x)))
    (by_hand,) = diagnose(nn.Sequential(first, Zeros(), last), x).layers
    (layer,) = diagnose(nn.Sequential(first, up), x).layers
    assert by_hand.rho == pytest.approx(layer.rho, rel=1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_a_matrix_product_may_make_the_pixels(bias: bool) -> None:
    torch.manual_seed(0)

    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 12, bias=bias)

        def forward(self, x: Tensor) -> Tensor:
            y = self.linear(x.movedim(1, -1)).movedim(-1, 1)
            return F.pixel_shuffle(y, 2)

    (row,) = diagnose(Rows(), torch.randn(4, 8, 12, 12)).layers
    assert row.rho is not None
    assert row.rho > 0.1


@pytest.mark.parametrize("options", [{"mode": "nearest-exact"}, {"mode": "bilinear"}])
def test_interpolation_is_named_as_in_torch(options: dict[str, str]) -> None:
    class Resize(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            smooth = {"antialias": True} if options["mode"] == "bilinear" else {}
            return F.interpolate(x, scale_factor=2, **options, **smooth)  # type: ignore[arg-type]

    diagnosis = diagnose(Resize(), torch.randn(4, 3, 12, 12))
    (row,) = diagnosis.layers
    assert row.kind == f"Upsample({options['mode']})"
    assert diagnosis.alignment == []
