"""Theory's claim 9: who reaches which output, and claim 11's dead zones."""

import math

import pytest
import torch

from dcgan.convolution.coverage import coverage, coverage_ratio


@pytest.mark.parametrize(
    ("kernel_size", "tile"),
    [
        (2, [[1, 1], [1, 1]]),
        (3, [[4, 2], [2, 1]]),
        (4, [[4, 4], [4, 4]]),
        (5, [[9, 6], [6, 4]]),
        (6, [[9, 9], [9, 9]]),
    ],
)
def test_the_tile_of_each_kernel_at_stride_2(kernel_size: int, tile: list[list[int]]) -> None:
    assert coverage((kernel_size,) * 2, (2, 2)).tolist() == tile


@pytest.mark.parametrize("k", range(1, 9))
@pytest.mark.parametrize("s", range(1, 5))
def test_coverage_is_what_ones_give(k: int, s: int) -> None:
    layer = torch.nn.ConvTranspose1d(1, 1, k, s, bias=False)
    torch.nn.init.ones_(layer.weight)
    painted = layer(torch.ones(1, 1, 20))[0, 0].detach()
    middle = 10 * s
    assert coverage((k,), (s,)).tolist() == painted[middle : middle + s].tolist()
    fraction = k / s - k // s
    variance = coverage((k,), (s,)).double().var(correction=0).item()
    assert variance == pytest.approx(fraction * (1 - fraction), abs=1e-12)
    assert (coverage_ratio((k,), (s,)) == 1) == (k % s == 0)


def test_the_ratios_of_the_theory() -> None:
    assert coverage_ratio((3, 3), (2, 2)) == 4
    assert coverage_ratio((5, 5), (2, 2)) == 2.25
    assert coverage_ratio((1, 1), (2, 2)) == math.inf
    assert coverage_ratio((3,), (2,), dilation=(2,)) == math.inf  # all taps at even distances
