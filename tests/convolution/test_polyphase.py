"""Gains and coverage are independent."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from dcgan.convolution.coverage import coverage_ratio
from dcgan.convolution.polyphase import largest_image, polyphase_gains
from dcgan.convolution.stretch import triangular_kernel


def taps_of(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_coverage_and_balance_do_not_imply_each_other() -> None:
    assert coverage_ratio((3,), (2,)) == 2
    assert polyphase_gains(taps_of([1, 2, 1]), 2).tolist() == [2, 2]
    assert coverage_ratio((4,), (2,)) == 1
    assert polyphase_gains(taps_of([3, 1, 3, 1]), 2).tolist() == [6, 2]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=8), st.integers(2, 4))
def test_equal_gains_mean_zeros_of_the_response_and_a_flat_step(
    values: list[float], s: int
) -> None:
    taps = taps_of(values)
    gains = polyphase_gains(taps, s)
    step = F.conv_transpose1d(torch.ones(1, 1, 12, dtype=torch.float64), taps[None, None], stride=s)
    inside = step[0, 0, 6 * s : 7 * s]
    torch.testing.assert_close(inside, gains, rtol=0, atol=1e-9)
    if taps.sum().abs() > 1e-3:
        unequal = (gains - gains.mean()).abs().max().item() > 1e-6
        images = largest_image(taps, s)
        assert images > 1e-7 if unequal else images < 5e-3


@pytest.mark.parametrize("s", [2, 3, 4])
def test_triangular_kernels_are_balanced(s: int) -> None:
    for length in (2 * s - 1, 2 * s):
        taps = triangular_kernel(s, length)
        torch.testing.assert_close(polyphase_gains(taps, s), torch.ones(s, dtype=torch.float64))
        assert largest_image(taps, s) == pytest.approx(0, abs=1e-9)


def test_the_largest_image_where_it_is_trivial() -> None:
    assert largest_image(taps_of([1, 2]), 1) == 0
    assert largest_image(taps_of([1, -1]), 2) == torch.inf
    assert largest_image(taps_of([0, 0]), 2) == 0
