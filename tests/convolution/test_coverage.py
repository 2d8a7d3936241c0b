"""Coverage on two axes and in ratios: how many taps reach each output."""

import itertools
import math

import pytest

from dcgan.convolution.coverage import coverage, coverage_ratio, dead_share, stacked_coverage


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
def test_coverage_of_each_kernel_at_stride_2(kernel_size: int, tile: list[list[int]]) -> None:
    assert coverage((kernel_size,) * 2, (2, 2)).tolist() == tile


def test_coverage_ratios() -> None:
    for k, s in itertools.product(range(1, 9), range(1, 5)):
        assert (coverage_ratio((k,), (s,)) == 1) == (k % s == 0)
    assert coverage_ratio((3, 3), (2, 2)) == 4
    assert coverage_ratio((5, 5), (2, 2)) == 2.25
    assert coverage_ratio((1, 1), (2, 2)) == math.inf
    assert coverage_ratio((3,), (2,), dilation=(2,)) == math.inf  # all taps at even distances
    assert dead_share(3, 2) == 0


def test_stacked_layers_of_kernel_4_stay_even() -> None:
    for layers in range(1, 5):
        even = stacked_coverage(4, 2, layers)
        assert (even / even.mean()).tolist() == [1] * 2**layers
