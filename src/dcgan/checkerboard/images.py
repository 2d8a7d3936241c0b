"""Scores of a grid in images: grid-peak ratio R, periodic amplitude A, phase-energy contrast PEC.

All take (N, C, H, W) images in [−1, 1], C any, and compute in float64. A grid of period 2 is made
by the last doubling layer of a generator, of period 4 by the one before.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.errors import UserError
from dcgan.seeding import stream

ROUNDING_NOISE = (2 / 255) ** 2 / 12  # variance of rounding [−1, 1] to 8 bits: the spectrum's floor
BATCH = 256  # images transformed at a time; bounds memory


def hann_window(height: int, width: int) -> Tensor:
    """The periodic Hann window, (H, W) float64."""
    rows, columns = (
        torch.hann_window(size, periodic=True, dtype=torch.float64) for size in (height, width)
    )
    return torch.outer(rows, columns)


def image_spectra(images: Tensor) -> Tensor:
    """Power spectrum of every image: (N, H, W) float64, channels averaged, DC at [0, 0].

    Per image and channel the Hann-weighted mean is subtracted, the window applied, and |FFT|²
    divided by Σ window², so white noise of variance v gives v at every frequency.
    """
    return torch.cat([_spectra(part) for part in images.split(BATCH)])


def spectrum(images: Tensor) -> Tensor:
    """The mean power spectrum with 8-bit rounding noise as its floor: (H, W) float64."""
    total = torch.zeros(images.shape[-2:], dtype=torch.float64, device=images.device)
    for part in images.split(BATCH):
        total += _spectra(part).sum(0)
    return total / len(images) + ROUNDING_NOISE


def _spectra(images: Tensor) -> Tensor:
    window = hann_window(*images.shape[-2:]).to(images.device)
    images = images.double()
    mean = (images * window).sum((-2, -1), keepdim=True) / window.sum()
    power = torch.fft.fft2((images - mean) * window).abs().square()
    spectra: Tensor = power.mean(1) / window.square().sum()
    return spectra


def grid_bins(period: int, height: int, width: int) -> list[tuple[int, int]]:
    """The frequencies of patterns with exactly this period.

    All multiples of (H/P, W/P) but DC and those of period P/2: for P = 2 (H/2, 0), (0, W/2) and
    (H/2, W/2).

    Raises:
        UserError: the period is not 2 or 4, the size is no multiple of it, or the images are so
            small that bins and backgrounds would meet.
    """
    if period not in usable_periods(height, width):
        raise UserError(
            f"images of {height}x{width}: period {period} needs multiples of {period}, at least"
            f" {8 * period} (periods are 2 and 4)"
        )
    return [
        (row * height // period, column * width // period)
        for row in range(period)
        for column in range(period)
        if row % 2 or column % 2
    ]


def usable_periods(height: int, width: int) -> tuple[int, ...]:
    """Of the periods 2 and 4, those that images of this size can be scored for."""
    return tuple(
        period
        for period in (2, 4)
        if height % period == width % period == 0 and min(height, width) >= 8 * period
    )


def background_bins(bin_: tuple[int, int], height: int, width: int) -> list[tuple[int, int]]:
    """The neighbors at 2 and 3 bins' distance that a grid bin is compared with.

    Along the same axis where the bin lies on one (oriented edges put ridges there), else along
    both.
    """
    row, column = bin_
    offsets = (-3, -2, 2, 3)
    down = [((row + offset) % height, column) for offset in offsets]
    across = [(row, (column + offset) % width) for offset in offsets]
    if row == 0:
        return across
    if column == 0:
        return down
    return down + across


@dataclass(frozen=True)
class GridPeak:
    """What one period leaves in a set of images."""

    ratio: float  # R: power in the grid bins ÷ power beside them; 1 is no grid, below 1 a notch
    amplitude: float  # A: RMS of the periodic part on the [−1, 1] scale; negative: less than beside


def grid_peak(images: Tensor, period: int) -> GridPeak:
    """R_P and A_P of (N, C, H, W) images in [−1, 1].

    R = Σ over grid bins of S ÷ Σ over grid bins of the background, which is the geometric mean of S
    at 2 and 3 bins' distance; A = sign·√|Σ (S − background)·Σ window² ÷ (Σ window)²|.
    """
    return spectrum_peak(spectrum(images), period)


def spectrum_peak(power: Tensor, period: int) -> GridPeak:
    """The same from a mean spectrum, (H, W), that is at hand already."""
    height, width = power.shape
    peak, beside = _peak_and_background(power[None], period)
    window = hann_window(height, width)
    excess = (peak - beside).item() * window.square().sum() / window.sum().square()
    return GridPeak((peak / beside).item(), float(excess.sign() * excess.abs().sqrt()))


def ratio_interval(
    generated: Tensor,
    real: Tensor | None,
    period: int,
    *,
    num_resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """A 95 % bootstrap interval of R(generated) ÷ R(real), images drawn anew on both sides.

    Percentiles of ln(R(generated)/R(real)), returned as ratios. Without real images, of
    R(generated) itself. (Efron, 1979.)
    """
    logs = [
        _resampled_log_ratios(images, period, num_resamples, stream(seed, "bootstrap", side))
        for side, images in enumerate((generated, real))
        if images is not None
    ]
    difference = logs[0] - logs[1] if len(logs) > 1 else logs[0]
    bounds = torch.tensor([0.025, 0.975], dtype=torch.float64)
    low, high = difference.quantile(bounds).exp().tolist()
    return low, high


def _resampled_log_ratios(
    images: Tensor, period: int, num_resamples: int, random: torch.Generator
) -> Tensor:
    """Ln R of `num_resamples` sets drawn with replacement from `images`."""
    spectra = image_spectra(images)
    count = len(spectra)
    drawn = torch.randint(count, (num_resamples, count), generator=random)
    weights = torch.zeros(num_resamples, count, dtype=torch.float64)
    weights.scatter_add_(1, drawn, torch.full_like(weights, 1 / count))
    height, width = images.shape[-2:]
    used = {
        row * width + column
        for bin_ in grid_bins(period, height, width)
        for row, column in (bin_, *background_bins(bin_, height, width))
    }
    columns = torch.tensor(sorted(used))
    power = torch.ones(num_resamples, height * width, dtype=torch.float64)
    power[:, columns] = weights @ spectra.flatten(1)[:, columns] + ROUNDING_NOISE
    power = power.unflatten(1, (height, width))
    peak, beside = _peak_and_background(power, period)
    return (peak / beside).log()


def _peak_and_background(power: Tensor, period: int) -> tuple[Tensor, Tensor]:
    """Sums over the grid bins of (K, H, W) spectra: their power, and what lies beside: (K,)."""
    height, width = power.shape[-2:]
    peak = torch.zeros(len(power), dtype=power.dtype)
    beside = torch.zeros_like(peak)
    for bin_ in grid_bins(period, height, width):
        peak += power[:, bin_[0], bin_[1]]
        rows, columns = zip(*background_bins(bin_, height, width), strict=True)
        beside += power[:, list(rows), list(columns)].log().mean(1).exp()
    return peak, beside


def phase_energy(images: Tensor, period: int) -> Tensor:
    """Mean square of fine detail by pixel phase: (period, period) float64.

    Detail is a pixel minus the mean of its 4 neighbors; 4 pixels at each border are left out,
    since padding makes them uneven in any network. Entry (a, b) is rows ≡ a, columns ≡ b.
    """
    sums = torch.zeros(period, period, dtype=torch.float64)
    counts = torch.zeros_like(sums)
    for part in images.split(BATCH):
        part = part.double()
        neighbors = part[..., :-2, 1:-1] + part[..., 2:, 1:-1]
        neighbors += part[..., 1:-1, :-2] + part[..., 1:-1, 2:]
        detail = (part[..., 1:-1, 1:-1] - neighbors / 4).square()[..., 3:-3, 3:-3]
        for row in range(period):
            for column in range(period):
                # Row 0 of `detail` is row 4 of the image.
                phase = detail[..., (row - 4) % period :: period, (column - 4) % period :: period]
                sums[row, column] += phase.sum()
                counts[row, column] += phase.numel()
    return sums / counts


def phase_energy_contrast(images: Tensor, period: int) -> float:
    """PEC: the largest over the smallest `phase_energy`: 1 is even; ∞ if a phase has no detail."""
    return contrast(phase_energy(images, period))


def contrast(energy: Tensor) -> float:
    """The largest over the smallest `phase_energy`."""
    if energy.max() == 0:  # flat images: nothing uneven
        return 1.0
    return (energy.max() / energy.min()).item()
