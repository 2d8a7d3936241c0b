"""Patterns of periods 2 to 16: which are found, and which are traces of others."""

import math

import pytest
import torch
from torch import Tensor

from dcgan.checkerboard.judgement import judge_all
from dcgan.checkerboard.lines import measurable_periods, measure_lines, own_lines

ROWS, COLUMNS = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
CHECKERBOARD = (-1.0) ** (ROWS + COLUMNS)


def smooth(count: int) -> Tensor:
    """Clean images: noise with a power of 1/f², as photographs have, and a little white noise."""
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(2, count, 3, 64, 64, generator=random)
    down, across = torch.fft.fftfreq(64)[:, None], torch.fft.rfftfreq(64)
    shaped = torch.fft.irfft2(torch.fft.rfft2(noise[0]) / (down**2 + across**2 + 1e-5).sqrt())
    images: Tensor = 0.3 * shaped / shaped.std() + 0.01 * noise[1]
    return images


CLEAN = smooth(32)


def unit(pattern: Tensor) -> Tensor:
    """The pattern with mean 0 and RMS 1."""
    pattern = pattern.float() - pattern.float().mean()
    return pattern / pattern.square().mean().sqrt()


def spikes(period: int) -> Tensor:
    return unit((ROWS % period == 0) & (COLUMNS % period == 0))


def square(period: int) -> Tensor:
    return unit(COLUMNS % period < period // 2)


def saw(period: int) -> Tensor:
    return unit(ROWS % period + COLUMNS % period)


def waves(period: int) -> Tensor:
    both = torch.cos(2 * math.pi * ROWS / period) + torch.cos(2 * math.pi * COLUMNS / period)
    return unit(both)


def found(pattern: Tensor) -> list[int]:
    judged = judge_all(CLEAN + 0.1 * pattern)
    assert [p.period for p in judged] == list(range(2, 17))
    return [p.period for p in judged if p.verdict == "grid"]


def test_every_frequency_belongs_to_one_period() -> None:
    for multiple in (12, 16):
        divisors = [period for period in range(2, 17) if multiple % period == 0]
        places = set()
        for period in divisors:
            for row, column in own_lines(period):
                at = row * multiple // period, column * multiple // period
                assert at not in places
                places |= {at, (-at[0] % multiple, -at[1] % multiple)}
        assert len(places) == multiple**2 - 1  # all but the mean


def test_the_periods_that_a_size_allows() -> None:
    assert measurable_periods(64, 64) == list(range(2, 17))
    assert measurable_periods(32, 40) == list(range(2, 9))
    assert measurable_periods(16, 16) == [2, 3, 4]


def test_clean_images_have_no_period() -> None:
    assert all(p.verdict == "clean" for p in judge_all(CLEAN))


@pytest.mark.parametrize("period", [3, 4, 8, 16])
def test_a_pattern_is_found_at_its_period_and_its_harmonics_are_not_taken_for_others(
    period: int,
) -> None:
    for shape in (spikes, saw):
        assert found(shape(period)) == [period], shape.__name__


@pytest.mark.parametrize("period", [2, 5, 8])
def test_a_sinusoid_is_found_at_its_period(period: int) -> None:
    assert found(waves(period)) == [period]


def test_harmonics_are_named_as_traces() -> None:
    verdicts = {p.period: p.verdict for p in judge_all(CLEAN + 0.1 * saw(8))}
    assert verdicts[8] == "grid"
    assert verdicts[4] == verdicts[2] == "harmonic of 8?"


def test_two_patterns_are_both_found_where_harmonics_do_not_explain_one() -> None:
    assert found(saw(8) + CHECKERBOARD) == [2, 8]
    assert found(saw(8) + 0.1 * CHECKERBOARD) == [8]
    assert found(waves(8) + CHECKERBOARD) == [2, 8]
    assert found(waves(3) + CHECKERBOARD) == [2, 3]


def test_every_second_harmonic_of_a_square_wave_is_zero() -> None:
    assert found(square(6)) == [6]


def test_a_reference_with_the_same_pattern_is_divided_out() -> None:
    gridded = CLEAN + 0.1 * waves(5)
    assert next(p for p in judge_all(gridded, gridded) if p.period == 5).ratio == pytest.approx(1)
    assert next(p for p in judge_all(gridded, CLEAN) if p.period == 5).verdict == "grid"


def test_the_amplitude_is_that_of_the_pattern() -> None:
    lines = measure_lines(CLEAN + 0.1 * waves(5))
    assert lines[5].amplitude == pytest.approx(0.1, rel=0.2)
    strongest = own_lines(5)[int(lines[5].excess.argmax())]
    assert strongest in {(1, 0), (0, 1)}
