"""Judge whether a set of images has a checkerboard, with a confidence interval.

Images larger than 64 pixels are cut into tiles, and the bootstrap resamples tiles. Tiles of one
image are alike, so a few large images give an interval that is too narrow.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from torch import Tensor

from dcgan.checkerboard.images import (
    contrast,
    phase_energy,
    ratio_interval,
    spectrum,
    spectrum_peak,
    usable_periods,
)
from dcgan.checkerboard.scores import apply_rule
from dcgan.errors import UserError

CLEAN_RATIO = 1.0  # the largest R of clean images: photographs 0.46, noise and lines 1
MIN_TILES = 32  # with fewer, the interval says more about chance than about the images
MAX_TILES = 2000
TILE = 64  # pixels; larger images are cut into tiles of this size


@dataclass(frozen=True)
class PeriodJudgement:
    """The scores of a set of images for one period."""

    period: int
    raw: float  # R
    ratio: float  # R ÷ R of the reference, or ÷ 1 without one
    low: float  # 95 % bootstrap interval of `ratio`
    high: float
    amplitude: float  # A: RMS of the periodic part on the [−1, 1] scale
    contrast: float  # PEC

    @property
    def verdict(self) -> str:
        """One of: grid, clean, undecided."""
        return apply_rule(self.low, self.high, self.raw)


def judge(images: Tensor, reference: Tensor | None = None) -> list[PeriodJudgement]:
    """Score (N, C, H, W) images or tiles in [−1, 1] for every period their size allows."""
    judged = []
    power = spectrum(images)
    clean_power = None if reference is None else spectrum(reference)
    for period in usable_periods(*images.shape[-2:]):
        raw, amplitude = astuple(spectrum_peak(power, period))
        clean = CLEAN_RATIO if clean_power is None else spectrum_peak(clean_power, period).ratio
        interval = ratio_interval(images, reference, period)
        even = contrast(phase_energy(images, period))
        judged.append(PeriodJudgement(period, raw, raw / clean, *interval, amplitude, even))
    return judged


def tile_side(sides: Sequence[int]) -> int:
    """The side of the square tiles into which images are cut, from each image's shorter side.

    At most 64, and small enough for at least half of the images; smaller images are left out.

    Raises:
        UserError: half of the images are too small for any period.
    """
    usual = sorted(sides)[(len(sides) - 1) // 2]
    side = min(TILE, usual // 4 * 4)  # a multiple of 4 keeps the pixel phases aligned
    if side < 16:
        raise UserError(f"half of the images have {usual} pixels or fewer on a side: 16 are needed")
    return side


def cut_into_tiles(images: Tensor, side: int) -> Tensor:
    """Every whole tile of (N, C, H, W) images, from the top left: (M, C, side, side)."""
    columns = images.unfold(2, side, side).unfold(3, side, side)
    return columns.permute(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1], side, side)
