"""R, A and PEC on clean images and with an injected pattern; the interval of R."""

import pytest
import torch

from dcgan.checkerboard.images import (
    contrast,
    fine_detail,
    grid_bins,
    grid_peak,
    image_spectra,
    phase_energy,
    ratio_interval,
    spectrum,
)
from dcgan.data.drawn import draw_digits, draw_photos
from dcgan.errors import UserError

ROWS, COLUMNS = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
PATTERNS = {
    "checkerboard": (-1.0) ** (ROWS + COLUMNS),
    "columns": (-1.0) ** COLUMNS,
    "coverage of kernel 3": (1.0 + ROWS % 2) * (1.0 + COLUMNS % 2),
}


def pattern(name: str, rms: float) -> torch.Tensor:
    """A period-2 pattern of mean 0 and the given RMS."""
    centered = PATTERNS[name] - PATTERNS[name].mean()
    return rms * centered / centered.square().mean().sqrt()


@pytest.fixture(scope="module")
def photos() -> torch.Tensor:
    return torch.from_numpy(draw_photos(2000, 32)).float() / 127.5 - 1


def noise(count: int) -> torch.Tensor:
    """White noise of variance 1."""
    return torch.randn(count, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def lines(count: int) -> torch.Tensor:
    """White 1-pixel rows and columns at random positions, on black."""
    random = torch.Generator().manual_seed(0)
    images = -torch.ones(count, 1, 32, 32)
    places = torch.randint(32, (count, 2), generator=random)
    for image, (row, column) in zip(images, places.tolist(), strict=True):
        image[0, row] = 1
        image[0, :, column] = 1
    return images


def test_the_spectrum_of_white_noise_is_its_variance() -> None:
    power = spectrum(0.3 * noise(4000))
    assert power[3:30, 3:30].mean().item() == pytest.approx(0.09, rel=0.01)


def test_clean_images_score_one_or_less(photos: torch.Tensor) -> None:
    digits = torch.from_numpy(draw_digits(2000, 32)).float() / 127.5 - 1
    stripes = torch.sin(COLUMNS * 0.7).expand(100, 1, 32, 32)
    for images in (digits, photos, stripes):
        assert grid_peak(images, 2).ratio < 1
    assert grid_peak(digits, 2).ratio == pytest.approx(0.81, abs=0.02)
    assert grid_peak(photos, 2).ratio == pytest.approx(0.46, abs=0.02)
    assert grid_peak(0.3 * noise(2000), 2).ratio == pytest.approx(1, abs=0.05)
    assert grid_peak(lines(2000), 2).ratio == pytest.approx(1, abs=0.05)
    assert grid_peak(-torch.ones(10, 1, 32, 32), 2).ratio == pytest.approx(1)


@pytest.mark.parametrize("name", PATTERNS)
def test_ratio_and_amplitude_increase_with_an_injected_pattern(
    photos: torch.Tensor, name: str
) -> None:
    clean = grid_peak(photos, 2)
    peaks = [grid_peak(photos + pattern(name, rms), 2) for rms in (0.005, 0.01, 0.02, 0.05, 0.1)]
    ratios = [peak.ratio / clean.ratio for peak in peaks]
    assert ratios == sorted(ratios)
    # Predicted: an RMS of 0.005 gives 1.9, 0.02 gives 14, 0.1 gives 314.
    assert ratios[0] == pytest.approx(1.9, rel=0.2)
    assert ratios[2] == pytest.approx(14, rel=0.2)
    assert ratios[4] == pytest.approx(314, rel=0.2)
    assert peaks[4].amplitude == pytest.approx(0.1, rel=0.02)


def test_the_period_is_detected_whatever_the_sign_in_each_image() -> None:
    background = 0.1 * noise(2000)
    two = 0.1 * (-1.0) ** COLUMNS
    four = 0.1 * torch.cos(torch.pi / 2 * COLUMNS)
    assert grid_peak(background + two, 2).ratio > 50
    assert grid_peak(background + two, 4).ratio == pytest.approx(1, abs=0.1)
    assert grid_peak(background + four, 4).ratio > 10
    assert grid_peak(background + four, 2).ratio == pytest.approx(1, abs=0.1)
    signs = torch.tensor([1.0, -1.0]).repeat(1000)[:, None, None, None]  # flips every second image
    assert grid_peak(background + signs * pattern("checkerboard", 0.1), 2).ratio > 50


def test_the_bins_of_each_period() -> None:
    assert set(grid_bins(2, 32, 32)) == {(16, 0), (0, 16), (16, 16)}
    four = grid_bins(4, 32, 32)
    assert len(four) == 12
    assert not set(four) & {(0, 0), *grid_bins(2, 32, 32)}
    with pytest.raises(UserError, match="images of 30x30: period 4"):
        grid_bins(4, 30, 30)


def test_the_interval_contains_the_ratio_and_shrinks_with_more_images(photos: torch.Tensor) -> None:
    gridded = photos + pattern("checkerboard", 0.02)
    ratio = grid_peak(gridded, 2).ratio / grid_peak(photos, 2).ratio
    spectra, clean = image_spectra(gridded), image_spectra(photos)
    low, high = ratio_interval(spectra, clean, 2)
    assert low < ratio < high
    assert low > 3  # so the rule says "grid"
    few_low, few_high = ratio_interval(spectra[:200], clean[:200], 2)
    assert few_high / few_low > high / low
    same_low, same_high = ratio_interval(clean[:1000], clean[1000:], 2)
    assert same_low < 1 < same_high


def test_phase_energy_shows_coverage_but_not_an_offset() -> None:
    white = noise(500)
    assert contrast(phase_energy(white, 2)) == pytest.approx(1, abs=0.05)
    assert contrast(phase_energy(white, 4)) == pytest.approx(1, abs=0.1)
    coverage = PATTERNS["coverage of kernel 3"]
    assert contrast(phase_energy(white * coverage, 2)) > 3
    assert contrast(phase_energy(torch.full((2, 1, 32, 32), 0.3), 2)) == 1


def test_fine_detail_excludes_the_checkerboard_and_low_frequencies() -> None:
    noise = torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.1
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    grid, coarse = (-1.0) ** (rows + columns), torch.cos(2 * torch.pi * columns / 16)
    own = fine_detail(spectrum(noise))
    assert fine_detail(spectrum(noise + grid)) == pytest.approx(own, rel=0.02)
    assert fine_detail(spectrum(noise + coarse)) == pytest.approx(own, rel=0.02)
    assert fine_detail(spectrum(2 * noise)) == pytest.approx(4 * own, rel=0.01)
