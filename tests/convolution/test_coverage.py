"""Coverage on two axes and in ratios: how many taps reach each output."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

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


@pytest.mark.parametrize(
    ("k", "p", "op", "tile"),
    [
        (3, 1, 1, [[1, 2], [2, 4]]),
        (4, 1, 0, [[4, 4], [4, 4]]),
        (5, 2, 1, [[9, 6], [6, 4]]),
    ],
)
def test_the_padding_decides_which_pixel_has_which_phase(
    k: int, p: int, op: int, tile: list[list[int]]
) -> None:
    """Also that of a strided convolution's gradient."""
    ones = torch.ones(1, 1, k, k)
    painted = F.conv_transpose2d(torch.ones(1, 1, 6, 6), ones, None, 2, p, op)
    x = torch.zeros(1, 1, 12, 12, requires_grad=True)
    (gradient,) = torch.autograd.grad(F.conv2d(x, ones, None, 2, p).sum(), x)
    for image in (painted, gradient):
        assert image[0, 0, 4:6, 4:6].tolist() == tile


def test_at_the_border_even_kernel_4_is_uneven() -> None:
    painted = F.conv_transpose2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 4, 4), None, 2, 1)
    assert painted[0, 0, 0].tolist() == [1, 2, 2, 2, 2, 1]
    assert painted[0, 0, 2].tolist() == [2, 4, 4, 4, 4, 2]


def test_stacked_layers_of_kernel_3_add_up_on_both_axes() -> None:
    largest = [stacked_coverage(3, 2, layers).max().item() ** 2 for layers in range(1, 5)]
    assert largest == [4, 9, 25, 64]


def test_stacked_layers_of_kernel_4_stay_even() -> None:
    for layers in range(1, 5):
        even = stacked_coverage(4, 2, layers)
        assert (even / even.mean()).tolist() == [1] * 2**layers
