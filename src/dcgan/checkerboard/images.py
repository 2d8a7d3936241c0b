"""Checkerboard scores of images: peak ratio R, periodic amplitude A, phase-energy contrast PEC.

All take (N, C, H, W) images in [−1, 1] with any C, and compute in float64. A pattern of period 2
comes from a generator's last upsampling layer, of period 4 from the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.errors import UserError
from dcgan.seeding import stream

ROUNDING_NOISE = (2 / 255) ** 2 / 12  # variance of rounding [−1, 1] to 8 bits: the noise floor
BATCH = 256  # images transformed at a time; limits memory use
NUM_RESAMPLES = 1000  # of the bootstrap


def hann_window(height: int, width: int) -> Tensor:
    """The periodic Hann window, (H, W) float64."""
    rows, columns = (torch.hann_window(side, dtype=torch.float64) for side in (height, width))
    return torch.outer(rows, columns)


def image_spectra(images: Tensor) -> Tensor:
    """Power spectrum of every image: (N, H, W) float64, channels averaged, DC at [0, 0].

    For each image and channel, the Hann-weighted mean is subtracted, the window is applied, and
    |FFT|² is divided by Σ window², so that white noise of variance v gives v at every frequency.
    """
    window = hann_window(*images.shape[-2:]).to(images.device)
    spectra = []
    for part in images.split(BATCH):
        part = part.double()
        mean = (part * window).sum((-2, -1), keepdim=True) / window.sum()
        power = torch.fft.fft2((part - mean) * window).abs().square()
        spectra.append(power.mean(1) / window.square().sum())
    return torch.cat(spectra)


def spectrum(images: Tensor) -> Tensor:
    """The mean power spectrum plus 8-bit rounding noise as a noise floor: (H, W) float64."""
    return mean_spectrum(image_spectra(images))


def mean_spectrum(spectra: Tensor) -> Tensor:
    """The same from `image_spectra`."""
    return spectra.mean(0) + ROUNDING_NOISE


def grid_bins(period: int, height: int, width: int) -> list[tuple[int, int]]:
    """The frequencies of patterns with exactly this period.

    All multiples of (H/P, W/P) except DC and those of period P/2; for P = 2 these are (H/2, 0),
    (0, W/2) and (H/2, W/2).

    Raises:
        UserError: the period is not 2 or 4, the size is not a multiple of it, or the images are so
            small that bins and their neighbors would overlap.
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
    """The periods, of 2 and 4, for which images of this size can be scored."""
    return tuple(
        period
        for period in (2, 4)
        if height % period == width % period == 0 and min(height, width) >= 8 * period
    )


def bins_and_neighbors(
    power: Tensor, bins: Sequence[tuple[int, int]], distances: Sequence[int] = (2, 3)
) -> Tensor:
    """K bins of (..., H, W) spectra, each followed by its neighbors: (..., K, 9), or fewer.

    Neighbors are these distances away along both axes. For a bin on a frequency axis, where
    straight edges in the images leave a ridge, only those along that axis are used, each twice.
    """
    height, width = power.shape[-2:]
    offsets = [*(-d for d in distances), *distances]
    cells = []
    for row, column in bins:
        down = [((row + offset) % height, column) for offset in offsets]
        across = [(row, (column + offset) % width) for offset in offsets]
        cells += [(row, column), *(down if row else across), *(across if column else down)]
    rows, columns = zip(*cells, strict=True)
    found = power[..., list(rows), list(columns)]
    return found.reshape(*power.shape[:-2], len(bins), 1 + 2 * len(offsets))


def _peak_and_background(cells: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over the grid bins of (..., K, 9): their power, and their neighbors' geometric mean."""
    return cells[..., 0].sum(-1), cells[..., 1:].log().mean(-1).exp().sum(-1)


@dataclass(frozen=True)
class GridPeak:
    """How strong the pattern of one period is in a set of images."""

    ratio: float  # R: power in the grid bins ÷ their neighbors'; 1: no pattern, below 1: a notch
    amplitude: float  # A: RMS of the pattern on the [−1, 1] scale; negative: below the background


def grid_peak(images: Tensor, period: int) -> GridPeak:
    """R_P and A_P of (N, C, H, W) images in [−1, 1].

    R = Σ S ÷ Σ background over the grid bins, where the background is the geometric mean of S 2 and
    3 bins away; A = sign·√|Σ (S − background)·Σ window² ÷ (Σ window)²|.
    """
    return spectrum_peak(spectrum(images), period)


def spectrum_peak(power: Tensor, period: int) -> GridPeak:
    """The same from a mean spectrum, (H, W)."""
    cells = bins_and_neighbors(power, grid_bins(period, *power.shape))
    peak, background = _peak_and_background(cells)
    return GridPeak((peak / background).item(), amplitude(cells, *power.shape))


def amplitude(cells: Tensor, height: int, width: int) -> float:
    """A of all bins of a pattern, (K, 9), in spectra of this size."""
    peak, background = _peak_and_background(cells)
    window = hann_window(height, width)
    excess = (peak - background).item() * window.square().sum() / window.sum().square()
    return float(excess.sign() * excess.abs().sqrt())


def ratio_interval(generated: Tensor, real: Tensor | None, period: int) -> tuple[float, float]:
    """A 95 % bootstrap interval of R(generated) ÷ R(real); both sets of images are resampled.

    Percentiles of ln(R(generated)/R(real)), returned as ratios; without real images, of
    R(generated) itself (Efron, 1979).

    Args:
        generated: `image_spectra`, (N, H, W); so is `real`.
    """
    logs = []
    for side, spectra in enumerate([generated] if real is None else [generated, real]):
        count = len(spectra)
        cells = bins_and_neighbors(spectra, grid_bins(period, *spectra.shape[-2:]))
        random = stream(0, "bootstrap", side)
        drawn = torch.randint(count, (NUM_RESAMPLES, count), generator=random)
        weights = torch.zeros(NUM_RESAMPLES, count, dtype=torch.float64)
        weights.scatter_add_(1, drawn, torch.full_like(weights, 1 / count))
        resampled = torch.einsum("rn,nkc->rkc", weights, cells) + ROUNDING_NOISE
        peak, background = _peak_and_background(resampled)
        logs.append((peak / background).log())
    difference = logs[0] - logs[1] if len(logs) > 1 else logs[0]
    bounds = torch.tensor([0.025, 0.975], dtype=torch.float64)
    low, high = difference.quantile(bounds).exp().tolist()
    return low, high


def fine_detail(power: Tensor) -> float:
    """Power of a (H, W) spectrum above half the Nyquist frequency on either axis.

    The bins of periods 2 and 4 are left out, and so are the adjacent bins, into which the window
    spreads them.
    """
    height, width = power.shape
    rows, columns = (torch.fft.fftfreq(side, device=power.device).abs() for side in power.shape)
    counted = (rows[:, None] >= 0.25) | (columns >= 0.25)
    for period in usable_periods(height, width):
        for row, column in grid_bins(period, height, width):
            near = torch.arange(-1, 2)
            counted[(row + near[:, None]) % height, (column + near) % width] = False
    return power[counted].sum().item()


def phase_energy(images: Tensor, period: int) -> Tensor:
    """Mean square of fine detail by pixel phase: (period, period) float64.

    Detail is a pixel minus the mean of its 4 neighbors. The 4 pixels at each border are left out:
    padding makes them uneven in any network. Entry (a, b) is rows ≡ a, columns ≡ b (mod period).

    Args:
        images: (N, C, H, W), H and W multiples of the period.
        period: 2 or 4, so that the border is a whole number of periods.
    """
    sums = []
    for part in images.split(BATCH):
        part = part.double()
        neighbors = part[..., :-2, 1:-1] + part[..., 2:, 1:-1]
        neighbors += part[..., 1:-1, :-2] + part[..., 1:-1, 2:]
        detail = (part[..., 1:-1, 1:-1] - neighbors / 4).square()[..., 3:-3, 3:-3]
        sums.append(detail.sum((0, 1)))
    mean = torch.stack(sums).sum(0) / (images.shape[0] * images.shape[1])
    height, width = mean.shape
    return mean.reshape(height // period, period, width // period, period).mean((0, 2))


def contrast(energy: Tensor) -> float:
    """PEC: the largest `phase_energy` over the smallest. 1: even; ∞: a phase has no detail."""
    if energy.max() == 0:  # flat images have nothing uneven
        return 1.0
    return (energy.max() / energy.min()).item()
