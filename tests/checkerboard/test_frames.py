"""Where images lie along a path."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import WAYS, Block, X


def test_a_path_that_fits_is_not_broken_by_the_advice() -> None:
    there, back = nn.Conv2d(8, 8, 3, 2, 1), nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)
    diagnosis = diagnose(nn.Sequential(there, back), torch.randn(1, 8, 16, 16))
    (row,) = diagnosis.layers
    assert row.needs_shift
    assert "keeps the path aligned" in row.advice
    assert "nn.ConvTranspose2d(" not in row.advice
    assert diagnosis.alignment == []
    diagnosis = diagnose(nn.Sequential(nn.AvgPool2d(2), back), torch.randn(1, 8, 16, 16))
    assert diagnosis.alignment == ["the output is shifted by -0.5, -0.5 px relative to the input"]
    assert "nn.ConvTranspose2d(8, 8, kernel_size=4, stride=2, padding=1)" in str(diagnosis)


@pytest.mark.parametrize("way", [WAYS["pixel shuffle"], lambda x: x.repeat_interleave(2, 2)])
def test_an_odd_padding_moves_by_half_a_block(way: Callable[[Tensor], Tensor]) -> None:
    def padded(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(way(x), (3, 3, 3, 3), mode="reflect"), 7, 1)

    assert diagnose(Block(padded), X).alignment == []
    assert diagnose(Block(lambda x: padded(x)[..., 1:]), X).alignment != []


class Bottleneck(nn.Module):
    """Image to vector to image."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(8, 8, 4, 2, 1)
        self.linear = nn.Linear(8 * 6 * 6, 8 * 6 * 6)
        self.up = nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, 12, 12) to the same shape."""
        z = self.linear(self.down(x).flatten(1))
        output: Tensor = self.up(z.view(-1, 8, 6, 6))
        return output


def test_nothing_is_said_about_places_beyond_a_vector() -> None:
    diagnosis = diagnose(Bottleneck(), X)
    (row,) = diagnosis.layers
    assert diagnosis.alignment == []
    assert not row.needs_shift
    gated = Block(lambda x: x * F.conv2d(x.mean((2, 3), keepdim=True), torch.ones(8, 8, 1, 1)))
    shifted = nn.Sequential(nn.AvgPool2d(2), nn.ConvTranspose2d(8, 8, 3, 2, 1, 1), gated)
    assert diagnose(shifted, X).alignment == [
        "the output is shifted by -0.5, -0.5 px relative to the input"
    ]


def test_one_pixel_is_no_image_to_lie_on() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(8, 8, 4), nn.ConvTranspose2d(8, 3, 4, 2, 1))
    assert diagnose(network, torch.randn(2, 8, 1, 1)).alignment == []


def test_axes_may_come_and_go() -> None:
    def frames(x: Tensor) -> Tensor:
        return F.interpolate(x.flatten(0, 1), scale_factor=2)

    film = nn.Sequential(nn.Conv3d(3, 3, 1), Block(frames))
    film[1].conv = nn.Conv3d(3, 8, 1)
    (row,) = diagnose(film, torch.randn(1, 3, 4, 8, 8)).layers
    assert row.verdict == "clean"


def test_images_that_are_interleaved_do_not_miss_each_other() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.even, self.odd = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([self.even(x), self.odd(x)], 3).flatten(2, 3) / 2

    assert diagnose(Rows(), torch.randn(2, 3, 12, 12)).alignment == []


def test_a_weights_gradient_is_no_image() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(3, 3, 4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            weight = conv2d_weight(x, (3, 3, 3, 3), x, padding=1)
            up: Tensor = self.up(x) * weight.sum()
            return up

    (row,) = diagnose(Sum(), torch.randn(2, 3, 12, 12)).layers
    assert row.name == "up"


class Causal(nn.Module):
    """A spectrogram, collapsed to a signal with padding, then enlarged."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, (8, 3), padding=(0, 1)), nn.Conv1d(4, 4, 3)
        self.up = nn.ConvTranspose1d(4, 2, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 8, L) to (N, 2, 2L)."""
        output: Tensor = self.up(self.b(F.pad(self.a(x).squeeze(2), (1, 1))))
        return output


def test_an_image_may_become_a_padded_signal() -> None:
    (row,) = diagnose(Causal(), torch.randn(2, 1, 8, 32)).layers
    assert row.verdict == "grid"


@pytest.mark.parametrize(("aligned", "shift"), [(True, ()), (False, (0, 0))])
def test_aligned_corners_stretch_the_image_so_no_shift_is_claimed(
    aligned: bool, shift: tuple[float, ...]
) -> None:
    up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=aligned)
    back = nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)
    network = nn.Sequential(nn.Conv2d(8, 8, 4, 4), up, back)
    diagnosis = diagnose(network, X)
    assert diagnosis.layers[0].shift == shift
    assert bool(diagnosis.alignment) == (not aligned)
    assert not diagnosis.layers[1].needs_shift
