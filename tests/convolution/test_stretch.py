"""Stretching beyond what dcgan.reports.claims checks: one axis, and single filters."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from dcgan.convolution.stretch import (
    frequency_response,
    ideal_low_pass,
    insert_zeros,
    interpolate_ideally,
    transposed_convolution,
    triangular_kernel,
)

LEGAL = st.tuples(
    st.integers(1, 6), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.integers(1, 2)
).filter(lambda g: g[3] < max(g[1], g[4]) and (5 - 1) * g[1] + g[4] * (g[0] - 1) + g[3] >= 2 * g[2])


@settings(deadline=None, max_examples=80)
@given(LEGAL, st.integers(1, 2))
def test_the_transpose_is_an_ordinary_convolution(
    geometry: tuple[int, int, int, int, int], axes: int
) -> None:
    k, s, p, op, d = geometry
    random = torch.Generator().manual_seed(k)
    x = torch.randn(2, 3, *[5] * axes, dtype=torch.float64, generator=random)
    weight = torch.randn(3, 2, *[k] * axes, dtype=torch.float64, generator=random)
    transpose = F.conv_transpose1d if axes == 1 else F.conv_transpose2d
    expected = transpose(x, weight, stride=s, padding=p, output_padding=op, dilation=d)
    ours = transposed_convolution(x, weight, s, p, op, d)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-9)


def test_stride_1_inserts_nothing() -> None:
    x = torch.randn(1, 2, 4, 4)
    assert torch.equal(insert_zeros(x, 1), x)
    assert insert_zeros(x, 3).shape == (1, 2, 10, 10)


def test_the_ideal_low_pass_tends_to_a_sinc() -> None:
    errors = []
    for length in (64, 256, 1024):
        response = torch.fft.ifft(ideal_low_pass(length, 2)).real
        expected = torch.sinc(torch.arange(16, dtype=torch.float64) / 2)
        errors.append((response[:16] - expected).abs().max().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3


@pytest.mark.parametrize(
    ("taps", "ratio"),
    [
        ([1, 1], 0),
        ([0.5, 1, 0.5], 0),
        ([0.25, 0.75, 0.75, 0.25], 0),
        ([1, 1, 1, 1], 0),
        ([1, 1, 1], 1 / 3),
        ([1, 0, 0], 1),
    ],
)
def test_what_is_left_at_nyquist(taps: list[float], ratio: float) -> None:
    kernel = torch.tensor(taps, dtype=torch.float64)
    constant, alternating = frequency_response(kernel, [0, math.pi]).abs().tolist()
    assert alternating / constant == pytest.approx(ratio, abs=1e-9)


def test_triangular_kernels() -> None:
    assert triangular_kernel(2).tolist() == [0.5, 1, 0.5]
    assert triangular_kernel(2, 4).tolist() == [0.25, 0.75, 0.75, 0.25]
    assert triangular_kernel(3).tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])


def test_ideal_interpolation_by_one_changes_nothing() -> None:
    x = torch.tensor([1.0, -1, 1, -1], dtype=torch.float64)
    torch.testing.assert_close(interpolate_ideally(x, 1), x)
