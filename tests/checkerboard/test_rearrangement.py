"""How images are put together out of others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import WAYS, Block, X, only, spread, zeros_between


@pytest.mark.parametrize("way", WAYS)
def test_channels_moved_into_pixels_are_judged_with_their_convolution(way: str) -> None:
    network = Block(WAYS[way])
    row = only(network, X)
    assert (row.name, row.verdict, row.stride) == ("conv", "grid", (2, 2))
    assert row.kind.startswith("Conv2d + ")
    with torch.no_grad():  # four equal filters and biases
        for x in network.conv.parameters():
            x.copy_(x[::4].repeat_interleave(4, 0))
    assert only(network, X).rho == pytest.approx(0, abs=1e-9)
    assert spread(network) < 1e-5


def test_zeros_written_between_pixels_are_judged_with_the_convolution_after_them() -> None:
    network = Block(zeros_between, last=True)
    row = only(network, X)
    layer = nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)  # the same, written as a layer
    with torch.no_grad():
        layer.weight.copy_(network.conv.weight.transpose(0, 1).flip(2, 3))
        layer.bias = network.conv.bias
        torch.testing.assert_close(layer(X), network(X))
    assert row.kind == "zeros between pixels"
    assert row.rho == pytest.approx(only(layer, X).rho)
    assert row.kappa == pytest.approx(only(layer, X).kappa)


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (
            lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
            "repeated pixels",
        ),
        (lambda x: F.interpolate(x, size=(24, 24), mode="bicubic"), "Upsample(bicubic)"),
    ],
)
def test_copied_and_interpolated_pixels_are_clean(
    way: Callable[[Tensor], Tensor], kind: str
) -> None:
    row = only(Block(way, last=True), X)
    assert (row.verdict, row.kind, row.stride) == ("clean", kind, (2, 2))


def test_a_middle_of_repeated_pixels_says_nothing_about_the_sides() -> None:
    class Sides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 32, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            shuffled = F.pixel_shuffle(y, 2)
            repeated = y[:, ::4].repeat_interleave(2, 2).repeat_interleave(2, 3)
            return torch.cat([shuffled[..., :6], repeated[..., 6:18], shuffled[..., 18:]], -1).exp()

    assert only(Sides(), X).verdict == "not judged"


class AlongBatch(nn.Module):
    """Two sub-pixel convolutions whose images are joined along the batch axis."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(8, 32, 3, padding=1), nn.Conv2d(8, 32, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (2N, 8, 2H, 2W)."""
        return torch.cat([F.pixel_shuffle(self.a(x), 2), F.pixel_shuffle(self.b(x), 2)])


def test_what_is_joined_along_the_batch_is_listed() -> None:
    rows = diagnose(AlongBatch(), X).layers
    assert [(row.name, row.verdict) for row in rows] == [("a", "grid"), ("b", "grid")]


def test_a_border_around_another_image_is_no_rearrangement() -> None:
    expand, then = nn.Conv2d(8, 32, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    def framed(x: Tensor) -> Tensor:
        y = F.pixel_shuffle(expand(x), 2)
        output: Tensor = then(torch.cat([y[:, :, :4], then(y)[:, :, 4:-4], y[:, :, -4:]], 2))
        return output

    rows = diagnose(Block(framed), torch.randn(2, 8, 12, 12)).layers
    assert [(row.name, row.verdict) for row in rows] == [("conv2d", "grid"), ("cat", "not judged")]
