"""Advice can be followed: `balance` is recommended only where it works."""

import warnings

import pytest
import torch
from torch import nn

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


@pytest.mark.parametrize("build", [depthwise, hooked, tied])
def test_balance_is_not_recommended_where_it_refuses(build: object) -> None:
    torch.manual_seed(0)
    network = build()  # type: ignore[operator]
    x = torch.randn(4, 8, 12, 12)
    (row,) = diagnose(network, x).layers
    (layer,) = balance(network, x)
    assert row.verdict == "grid"
    assert layer.problem is not None
    assert f"balance cannot cure it ({layer.problem})" in row.cure


def test_a_fitting_path_does_not_hide_dead_zones() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 8, 1, 2), nn.ConvTranspose2d(8, 8, 1, 2, output_padding=1))
    (row,) = diagnose(network, torch.randn(4, 8, 12, 12)).layers
    assert "some outputs get no tap" in row.cure
