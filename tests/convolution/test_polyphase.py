"""Claims 8 and 10: phases, gains, and what coverage does not decide."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from dcgan.convolution.coverage import coverage_ratio
from dcgan.convolution.polyphase import interleave, largest_image, polyphase_gains
from dcgan.convolution.stretch import triangular_kernel


def taps_of(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 2))
def test_a_transposed_convolution_is_its_phases_interleaved(k: int, s: int, p: int) -> None:
    random = torch.Generator().manual_seed(k)
    x = torch.randn(6, dtype=torch.float64, generator=random)
    taps = torch.randn(k, dtype=torch.float64, generator=random)
    if 5 * s + k - 2 * p < 1:
        return
    expected = F.conv_transpose1d(x[None, None], taps[None, None], stride=s, padding=p)[0, 0]
    torch.testing.assert_close(interleave(x, taps, s, p), expected, rtol=0, atol=1e-9)


def test_coverage_and_balance_do_not_imply_each_other() -> None:
    assert coverage_ratio((3,), (2,)) == 2
    assert polyphase_gains(taps_of([1, 2, 1]), 2).tolist() == [2, 2]
    assert coverage_ratio((4,), (2,)) == 1
    assert polyphase_gains(taps_of([3, 1, 3, 1]), 2).tolist() == [6, 2]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=8), st.integers(2, 4))
def test_equal_gains_are_zeros_of_the_response_and_a_flat_step(values: list[float], s: int) -> None:
    taps = taps_of(values)
    gains = polyphase_gains(taps, s)
    step = F.conv_transpose1d(torch.ones(1, 1, 12, dtype=torch.float64), taps[None, None], stride=s)
    inside = step[0, 0, 6 * s : 7 * s]
    torch.testing.assert_close(inside, gains, rtol=0, atol=1e-9)
    if taps.sum().abs() > 1e-3:
        unequal = (gains - gains.mean()).abs().max().item() > 1e-6
        assert (largest_image(taps, s) > 1e-7) == unequal or not unequal


@pytest.mark.parametrize("s", [2, 3, 4])
def test_triangular_kernels_are_balanced(s: int) -> None:
    for length in (2 * s - 1, 2 * s):
        taps = triangular_kernel(s, length)
        torch.testing.assert_close(polyphase_gains(taps, s), torch.ones(s, dtype=torch.float64))
        assert largest_image(taps, s) == pytest.approx(0, abs=1e-9)
