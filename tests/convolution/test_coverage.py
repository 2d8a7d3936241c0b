"""Theory's claim 9: who reaches which output, and claim 11's dead zones."""

import math

import pytest
import torch

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


def test_stacked_layers_of_kernel_3_count_in_fibonaccis_numbers() -> None:
    largest = [stacked_coverage(3, 2, layers).max().item() for layers in range(1, 6)]
    assert largest == [2, 3, 5, 8, 13]
    for layers in range(1, 5):
        even = stacked_coverage(4, 2, layers)
        assert (even / even.mean()).tolist() == [1] * 2**layers


@pytest.mark.parametrize(("k", "s"), [(1, 2), (2, 3), (1, 4), (3, 2)])
def test_the_share_of_dead_zones(k: int, s: int) -> None:
    dead = (coverage((k, k), (s, s)) == 0).double().mean().item()
    assert dead_share(k, s) == pytest.approx(dead)


@pytest.mark.parametrize(
    ("k", "p", "tile"),
    [(3, 1, [[1, 2], [2, 4]]), (4, 1, [[4, 4], [4, 4]]), (5, 2, [[9, 6], [6, 4]])],
)
def test_gradients_of_strided_convolution_have_the_same_tile(
    k: int, p: int, tile: list[list[int]]
) -> None:
    """Claim 15."""
    x = torch.zeros(1, 1, 16, 16, requires_grad=True)
    y = torch.nn.functional.conv2d(x, torch.ones(1, 1, k, k), stride=2, padding=p)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient[0, 0, 8:10, 8:10].tolist() == tile
    assert sorted(gradient[0, 0, 8:10, 8:10].flatten().tolist()) == sorted(
        coverage((k, k), (2, 2)).flatten().tolist()
    )
