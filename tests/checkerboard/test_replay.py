"""Responses of a block with what is linear around it."""

import pytest
import torch
from torch import Tensor, nn

from dcgan.checkerboard import replay
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
