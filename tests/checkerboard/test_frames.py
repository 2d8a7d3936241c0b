"""Where images lie along a path."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
    assert diagnosis.alignment == ["the output lies -0.5, -0.5 px from where the input does"]
    assert "nn.ConvTranspose2d(8, 8, kernel_size=4, stride=2, padding=1)" in str(diagnosis)


@pytest.mark.parametrize("way", [WAYS["pixel shuffle"], lambda x: x.repeat_interleave(2, 2)])
def test_an_odd_padding_moves_by_half_a_block(way: Callable[[Tensor], Tensor]) -> None:
    def padded(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(way(x), (3, 3, 3, 3), mode="reflect"), 7, 1)

    assert diagnose(Block(padded), X).alignment == []
    assert diagnose(Block(lambda x: padded(x)[..., 1:]), X).alignment != []
