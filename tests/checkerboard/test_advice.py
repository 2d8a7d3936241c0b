"""Advice can be followed: `balance` is recommended only where it works."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import balance, diagnose


def depthwise() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.PixelShuffle(2))


def hooked() -> nn.Sequential:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.Sequential(nn.utils.weight_norm(nn.ConvTranspose2d(8, 8, 4, 2, 1)))


def tied() -> nn.Sequential:
    down, up = nn.Conv2d(8, 8, 4, 2, 1), nn.ConvTranspose2d(8, 8, 4, 2, 1)
    up.weight = down.weight
    return nn.Sequential(down, up)


def grouped() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1, groups=4), nn.BatchNorm2d(8), nn.PixelShuffle(2)
    )


class Functional(nn.Module):
    """A convolution that is no module, then a norm and a shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.norm = nn.Parameter(torch.randn(8, 8, 3, 3)), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return F.pixel_shuffle(self.norm(F.conv2d(x, self.weight, padding=1)), 2)


@pytest.mark.parametrize("build", [depthwise, hooked, tied, grouped, Functional])
def test_balance_is_not_recommended_where_it_refuses(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    network = build().eval()
    x = torch.randn(4, 8, 12, 12)
    (row,) = diagnose(network, x).layers
    (layer,) = balance(network, x)
    assert row.verdict == "grid"
    assert layer.problem is not None
    assert "balance(network) removes" not in row.cure
    assert "balance cannot cure it (" in row.cure


def test_a_fitting_path_does_not_hide_dead_zones() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 8, 1, 2), nn.ConvTranspose2d(8, 8, 1, 2, output_padding=1))
    (row,) = diagnose(network, torch.randn(4, 8, 12, 12)).layers
    assert "some outputs get no tap" in row.cure
