"""Balanced kernels and notch filters, checked against their definitions."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution import coverage, frequency_response, polyphase_gains
from dcgan.convolution.balance import (
    balancing_projection,
    notch_taps,
)

TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
# Kernel, stride, dilation: every geometry in 1-D, and a selection in 2-D and 3-D.
GEOMETRIES = [
    *(([k], [s], [d]) for k, s, d in product(range(1, 8), range(1, 5), (1, 2, 3))),
    *(([k, k], [2, 2], [1, 1]) for k in range(2, 7)),
    ([4, 3], [2, 3], [1, 2]),
    ([5, 5], [3, 3], [1, 1]),
    ([4, 4], [4, 4], [1, 1]),
    ([3, 3, 3], [2, 2, 2], [1, 1, 1]),
    ([1, 4, 4], [1, 2, 2], [1, 1, 1]),
]
POSSIBLE = [
    (k, s, d)
    for k, s, d in GEOMETRIES
    if all(a >= b and math.gcd(b, c) == 1 for a, b, c in zip(k, s, d, strict=True))
]


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def response(taps: Tensor, image: Tensor, stride: list[int], dilation: list[int]) -> Tensor:
    """A kernel's response to an image, away from borders."""
    axes = len(stride)
    reach = [d * (k - 1) // s + 1 for k, s, d in zip(taps.shape, stride, dilation, strict=True)]
    painted = TRANSPOSE[axes](image[None, None], taps[None, None], None, stride, 0, 0, 1, dilation)
    inside = [
        slice(r * s, n * s - r * s) for r, s, n in zip(reach, stride, image.shape, strict=True)
    ]
    return painted[0, 0][tuple(inside)]


@pytest.mark.parametrize(("kernel_size", "stride", "dilation"), POSSIBLE)
def test_it_is_the_orthogonal_projection_onto_kernels_that_preserve_constants(
    kernel_size: list[int], stride: list[int], dilation: list[int]
) -> None:
    projection = balancing_projection(kernel_size, stride, dilation)
    torch.testing.assert_close(projection @ projection, projection, rtol=0, atol=1e-12)
    torch.testing.assert_close(projection, projection.T, rtol=0, atol=1e-12)
    # One condition fewer than there are phases, so no more is removed than necessary.
    assert projection.trace().item() == pytest.approx(
        math.prod(kernel_size) - math.prod(stride) + 1, abs=1e-9
    )
    taps = (projection @ random(math.prod(kernel_size))).reshape(kernel_size)
    size = [2 * d * k // s + 4 for k, s, d in zip(kernel_size, stride, dilation, strict=True)]
    constant = response(taps, torch.ones(size, dtype=torch.float64), stride, dilation)
    assert constant.numel() > 1
    assert (constant - constant.mean()).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("k", "s", "dilation"), [(*k, *s, *d) for k, s, d in POSSIBLE if len(k) == 1]
)
def test_it_matches_the_least_squares_formula(k: int, s: int, dilation: int) -> None:
    """w'_t = w_t + (c − g_r)/n_r with c = Σ(g_r/n_r) / Σ(1/n_r), per phase r."""
    taps = random(k)
    phase = torch.arange(k) * dilation % s
    gains = torch.zeros(s, dtype=torch.float64).index_add(0, phase, taps)
    counts = coverage([k], [s], [dilation]).double()
    common = (gains / counts).sum() / (1 / counts).sum()
    expected = taps + ((common - gains) / counts)[phase]
    projection = balancing_projection([k], [s], [dilation])
    torch.testing.assert_close(projection @ taps, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("order", "free"), [(1, {2: 1, 3: 6, 4: 13, 5: 22, 6: 33}), (2, {3: 2, 4: 7, 5: 16, 6: 27})]
)
def test_the_remaining_degrees_of_freedom(order: int, free: dict[int, int]) -> None:
    for k, count in free.items():
        projection = balancing_projection([k, k], [2, 2], order=order)
        assert projection.trace().item() == pytest.approx(count, abs=1e-9)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation"),
    [([3], [2], [1]), ([4], [2], [1]), ([5], [3], [1]), ([4, 4], [2, 2], [1, 1]),
     ([6, 6], [2, 2], [1, 1]), ([5, 4], [2, 2], [3, 1]), ([4, 4, 4], [2, 2, 2], [1, 1, 1])],
)  # fmt: skip
def test_order_2_turns_a_ramp_into_a_ramp_and_order_1_does_not(
    kernel_size: list[int], stride: list[int], dilation: list[int]
) -> None:
    size = [2 * d * k // s + 6 for k, s, d in zip(kernel_size, stride, dilation, strict=True)]
    ramp = sum(
        (axis + 1)
        * torch.arange(n).double().reshape([-1 if i == axis else 1 for i in range(len(size))])
        for axis, n in enumerate(size)
    )
    assert isinstance(ramp, Tensor)
    bends = {}
    for order in (1, 2):
        projection = balancing_projection(kernel_size, stride, dilation, order)
        taps = (projection @ random(math.prod(kernel_size))).reshape(kernel_size)
        painted = response(taps, ramp, stride, dilation)
        # The second difference of a ramp is 0 along every axis.
        bends[order] = max(
            painted.diff(n=2, dim=axis).abs().max().item() for axis in range(len(size))
        )
    assert bends[2] < 1e-10
    assert bends[1] > 1e-3


@pytest.mark.parametrize("k", range(1, 6))
def test_kernels_that_end_in_a_box_or_a_triangle_are_balanced(k: int) -> None:
    """The fixed smooth layers of Kinoshita & Kiya (2020) are members of orders 1 and 2."""
    for order, end in ((1, [1.0, 1]), (2, [1.0, 2, 1])):
        taps = torch.from_numpy(np.convolve(random(k), end))
        projection = balancing_projection([len(taps)], [2], order=order)
        torch.testing.assert_close(projection @ taps, taps, rtol=0, atol=1e-12)


def test_the_claims_examples() -> None:
    def balanced(*taps: float) -> list[float]:
        return (balancing_projection([len(taps)], [2]) @ torch.tensor(taps).double()).tolist()

    assert balanced(1, 2, 1) == pytest.approx([1, 2, 1])
    assert balanced(3, 1, 3, 1) == pytest.approx([2, 2, 2, 2])
    assert balanced(1, 1, 1) == pytest.approx([2 / 3, 4 / 3, 2 / 3])
    gains = polyphase_gains(torch.tensor(balanced(3, 1, 4, 1, 5)), 2)
    assert gains[0].item() == pytest.approx(gains[1].item())
    zero = frequency_response(torch.tensor(balanced(3, 1, 4, 1, 5)).double(), [math.pi])
    assert zero.abs().item() < 1e-12


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation", "order", "reason"),
    [
        ([1, 1], [2, 2], None, 1, "kernel 1, stride 2, dilation 1: some outputs get no tap"),
        ([4, 2], [2, 3], None, 1, "kernel 2, stride 3, dilation 1: some outputs get no tap"),
        ([4, 4], [2, 2], [2, 2], 1, "kernel 4, stride 2, dilation 2: some outputs get no tap"),
        ([2, 2], [2, 2], None, 2, "order 2 leaves nothing of kernel 2x2"),
        ([3], [3], None, 2, "order 2 leaves nothing of kernel 3"),
        ([4, 4], [3, 3], None, 2, "order 2 leaves nothing of kernel 4x4 that keeps brightness"),
        ([2, 4], [2, 2], None, 2, "order 2 leaves nothing of kernel 2x4 that keeps brightness"),
    ],
)
def test_what_cannot_be_balanced_is_refused(
    kernel_size: list[int], stride: list[int], dilation: list[int] | None, order: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        balancing_projection(kernel_size, stride, dilation, order)


@pytest.mark.parametrize("order", [1, 2, 4, 8, 20])
def test_the_notch_is_1_minus_a_power_of_the_sine(order: int) -> None:
    taps = notch_taps(order)
    frequencies = torch.linspace(0, math.pi, 50, dtype=torch.float64)
    found = frequency_response(taps, frequencies.tolist()).abs()
    expected = 1 - torch.sin(frequencies / 2) ** (2 * order)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    alternating = (-1.0) ** torch.arange(len(taps)).double()
    # A double zero at π removes an alternating sign, even one that grows linearly.
    assert (taps * alternating).sum().abs().item() < 1e-12
    assert (taps * alternating * torch.arange(len(taps))).sum().abs().item() < 1e-10


def test_the_first_notch_is_the_binomial_filter_and_larger_ones_remove_less() -> None:
    assert notch_taps(1).tolist() == [0.25, 0.5, 0.25]
    kept = [frequency_response(notch_taps(m), [math.pi / 2]).abs().item() for m in (1, 2, 4)]
    assert kept == pytest.approx([0.5, 0.75, 0.9375])
    with pytest.raises(ValueError, match="order 0: must be at least 1"):
        notch_taps(0)
