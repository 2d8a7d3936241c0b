"""Verdicts on images with and without a checkerboard."""

import pytest
import torch

from dcgan.checkerboard.judgement import judge, judge_all
from dcgan.data.drawn import draw_photos

CHECKERBOARD = (-1.0) ** (torch.arange(32)[:, None] + torch.arange(32))


@pytest.fixture(scope="module")
def photos() -> torch.Tensor:
    return torch.from_numpy(draw_photos(1000, 32)).float() / 127.5 - 1


def test_photographs_with_and_without_a_checkerboard(photos: torch.Tensor) -> None:
    clean, gridded = photos[:500], photos[:500] + 0.03 * CHECKERBOARD
    assert [p.verdict for p in judge(clean, photos[500:])] == ["clean", "clean"]
    assert [p.verdict for p in judge(clean)] == ["clean", "clean"]
    two, four = judge(gridded, photos[500:])
    assert (two.verdict, four.verdict) == ("grid", "clean")
    assert two.low < two.ratio < two.high
    assert two.ratio > two.raw  # the reference's own R is below 1
    assert judge(gridded)[0].verdict == "grid"


def test_few_images_are_undecided(photos: torch.Tensor) -> None:
    faint = photos[:40] + 0.009 * CHECKERBOARD
    assert judge(faint, photos[500:])[0].verdict == "undecided"


@pytest.mark.filterwarnings("error")
def test_one_image_gives_no_bounds(photos: torch.Tensor) -> None:
    lines = [p for p in judge_all(photos[:1]) if p.contrast is None]
    assert lines
    assert all(p.low == 0 and p.high == torch.inf for p in lines)


def test_a_line_below_its_surroundings_hides_no_other_one() -> None:
    """One line of period 8 is below its surroundings, but far above that of the reference."""
    spectra = torch.fft.fft2(
        torch.randn(200, 1, 64, 64, generator=torch.Generator().manual_seed(0)) / 4
    )
    for row in (8, -8):  # frequencies along the height, and those that the window mixes in
        rows, columns = torch.tensor([[row - 1], [row], [row + 1]]), torch.tensor([-1, 0, 1])
        spectra[:100, :, rows, columns] *= 0.5
        spectra[100:, :, rows, columns] *= 1e-3
    images = torch.fft.ifft2(spectra).real
    wave = 0.04 * (torch.arange(64) * 2 * torch.pi / 8).cos()  # another line, along the width
    (found,) = [p for p in judge_all(images[:100] + wave, images[100:]) if p.period == 8]
    assert found.verdict == "grid"
    assert found.raw > 3
