"""Zero insertion, its effect on the spectrum, and filters to smooth with ("stretch and smooth")."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def insert_zeros(x: Tensor, stride: int) -> Tensor:
    """Insert s − 1 zeros between neighbors on every axis: (N, C, …, n) to (N, C, …, s·(n − 1) + 1).

    The spectrum of the result, zero-padded to s·n, is that of `x` repeated s times (s spectral
    images).
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
    """Compute conv_transpose as an ordinary convolution with stride 1.

    Rotate the kernel by 180°, swap its channels, insert s − 1 zeros between pixels, pad by
    d(k − 1) − p before and d(k − 1) − p + op after (negative: crop), and convolve.

    Args:
        weight: (in_channels, out_channels, k) or (…, k, k), as in ConvTranspose.
    """
    before = dilation * (weight.shape[-1] - 1) - padding
    axes = x.ndim - 2
    padded = F.pad(insert_zeros(x, stride), (before, before + output_padding) * axes)
    rotated = weight.flip(*range(2, weight.ndim)).transpose(0, 1)
    convolve = {1: F.conv1d, 2: F.conv2d}[axes]
    output: Tensor = convolve(padded, rotated, dilation=dilation)
    return output


def frequency_response(taps: Tensor, frequencies: Sequence[float]) -> Tensor:
    """H(ω) = Σ_t h[t]·exp(−iωt), complex, for each frequency; ω = 0 is DC, π Nyquist."""
    waves = torch.tensor(frequencies, dtype=torch.float64)
    angles = torch.outer(waves, torch.arange(len(taps), dtype=torch.float64))
    return torch.exp(-1j * angles) @ taps.to(torch.complex128)


def ideal_low_pass(length: int, scale: int) -> Tensor:
    """Gains of the ideal interpolator in FFT order: (length,), `length` a multiple of `scale`.

    The gain is s up to 1/(2s) cycles per sample, s/2 on the two edge bins, and 0 elsewhere; for
    s = 1 it is 1. The impulse response tends to sin(πt/s)/(πt/s).
    """
    if scale == 1:  # both edges are the same bin
        return torch.ones(length, dtype=torch.float64)
    frequency = torch.fft.fftfreq(length, dtype=torch.float64).abs()
    edge = 1 / (2 * scale)
    inside = (frequency < edge - 1e-12).double() + 0.5 * ((frequency - edge).abs() <= 1e-12)
    gains: Tensor = scale * inside
    return gains


def interpolate_ideally(x: Tensor, scale: int) -> Tensor:
    """Band-limited interpolation of a periodic signal: (n,) to (s·n,); keeps the samples of x."""
    spectrum = torch.fft.fft(x).repeat(scale)  # of x with zeros inserted
    interpolated: Tensor = torch.fft.ifft(spectrum * ideal_low_pass(len(spectrum), scale)).real
    return interpolated


def triangular_kernel(scale: int, length: int | None = None) -> Tensor:
    """Linear interpolation by `scale`: 2s − 1 taps with a center tap (default), or 2s without.

    [.5, 1, .5] or [.25, .75, .75, .25] for s = 2; all polyphase gains are 1.
    """
    length = 2 * scale - 1 if length is None else length
    distance = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    return (1 - distance.abs() / scale).clamp_min(0)
