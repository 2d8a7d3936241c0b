"""Zero insertion and what it does to a spectrum; filters that smooth it again (claims 5 and 7)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def insert_zeros(x: Tensor, stride: int) -> Tensor:
    """Put s − 1 zeros between neighbors: (N, C, …, n) to (N, C, …, s·(n − 1) + 1), every axis.

    The spectrum of the result, made s·n long, is that of `x` s times in a row: s spectral images.
    """
    sizes = [stride * (n - 1) + 1 for n in x.shape[2:]]
    stretched = x.new_zeros(*x.shape[:2], *sizes)
    stretched[:, :, *[slice(None, None, stride)] * len(sizes)] = x
    return stretched


def transposed_convolution(
    x: Tensor,
    weight: Tensor,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> Tensor:
    """What conv_transpose computes, as an ordinary convolution at stride 1.

    Rotate the kernel by 180°, swap its channels, insert s − 1 zeros, pad d(k − 1) − p before and
    d(k − 1) − p + op after (negative: crop), convolve.

    Args:
        weight: (in_channels, out_channels, k) or (…, k, k), as ConvTranspose has it.
    """
    before = dilation * (weight.shape[-1] - 1) - padding
    axes = x.ndim - 2
    padded = F.pad(insert_zeros(x, stride), (before, before + output_padding) * axes)
    rotated = weight.flip(*range(2, weight.ndim)).transpose(0, 1)
    convolve = {1: F.conv1d, 2: F.conv2d}[axes]
    answer: Tensor = convolve(padded, rotated, dilation=dilation)
    return answer


def frequency_response(taps: Tensor, frequencies: Sequence[float]) -> Tensor:
    """H(ω) = Σ_t h[t]·exp(−iωt), complex, for each frequency; ω = 0 is DC, π Nyquist."""
    waves = torch.tensor(frequencies, dtype=torch.float64)
    angles = torch.outer(waves, torch.arange(len(taps), dtype=torch.float64))
    return torch.exp(-1j * angles) @ taps.to(torch.complex128)


def ideal_low_pass(length: int, scale: int) -> Tensor:
    """Gains of the ideal interpolator in FFT order: (length,), `length` a multiple of `scale`.

    Gain s up to the frequency 1/(2s) cycles a sample, half of it on the two edge bins, else 0. Its
    impulse response tends to sin(πt/s)/(πt/s).
    """
    frequency = torch.fft.fftfreq(length, dtype=torch.float64).abs()
    edge = 1 / (2 * scale)
    inside = (frequency < edge - 1e-12).double() + 0.5 * ((frequency - edge).abs() <= 1e-12)
    gains: Tensor = scale * inside
    return gains


def interpolate_ideally(x: Tensor, scale: int) -> Tensor:
    """Band-limited interpolation of a periodic signal: (n,) to (s·n,); every s-th sample is x's."""
    spectrum = torch.fft.fft(x).repeat(scale)  # of x with zeros inserted
    interpolated: Tensor = torch.fft.ifft(spectrum * ideal_low_pass(len(spectrum), scale)).real
    return interpolated


def triangular_kernel(scale: int, length: int | None = None) -> Tensor:
    """Linear interpolation by `scale`: 2s − 1 taps with a middle one (default), or 2s without.

    [.5, 1, .5] and [.25, .75, .75, .25] at s = 2; all polyphase gains are 1.
    """
    length = 2 * scale - 1 if length is None else length
    distance = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    return (1 - distance.abs() / scale).clamp_min(0)
