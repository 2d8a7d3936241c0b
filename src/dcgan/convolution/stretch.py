"""Zero insertion and what it does to a spectrum; filters that smooth it again (claims 5 and 7)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution.matrix import Sizes, per_axis


def insert_zeros(x: Tensor, stride: Sizes) -> Tensor:
    """Put s − 1 zeros between neighbours: (N, C, …, n) to (N, C, …, s·(n − 1) + 1), every axis.

    The spectrum of the result, made s·n long, is that of `x` s times in a row: s spectral images.
    """
    strides = per_axis(stride, x.ndim - 2)
    sizes = [s * (n - 1) + 1 for n, s in zip(x.shape[2:], strides, strict=True)]
    stretched = x.new_zeros(*x.shape[:2], *sizes)
    stretched[:, :, *(slice(None, None, s) for s in strides)] = x
    return stretched


def transposed_convolution(
    x: Tensor,
    weight: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    dilation: Sizes = 1,
) -> Tensor:
    """What conv_transpose computes, as an ordinary convolution at stride 1.

    Turn the kernel by 180°, swap its channels, insert s − 1 zeros, pad d(k − 1) − p before and
    d(k − 1) − p + op after (negative: crop), convolve.

    Args:
        weight: (in_channels, out_channels, k) or (…, k, k), as ConvTranspose has it.
    """
    axes = x.ndim - 2
    geometry = (per_axis(v, axes) for v in (padding, output_padding, dilation))
    margins = [
        (d * (k - 1) - p, d * (k - 1) - p + op)
        for k, p, op, d in zip(weight.shape[2:], *geometry, strict=True)
    ]
    stretched = F.pad(
        insert_zeros(x, stride), [side for margin in reversed(margins) for side in margin]
    )
    turned = weight.flip(tuple(range(2, weight.ndim))).transpose(0, 1)
    convolve = {1: F.conv1d, 2: F.conv2d}[axes]
    answer: Tensor = convolve(stretched, turned, dilation=dilation)
    return answer


def frequency_response(taps: Tensor, frequency: float) -> complex:
    """H(ω) = Σ_t h[t]·exp(−iωt); ω = 0 is DC, π Nyquist."""
    angles = -frequency * torch.arange(len(taps), dtype=torch.float64)
    value: complex = (
        (taps.to(torch.complex128) * torch.polar(torch.ones_like(angles), angles)).sum().item()
    )
    return value


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
    stretched = x.new_zeros(len(x) * scale)
    stretched[::scale] = x
    smoothed: Tensor = torch.fft.fft(stretched) * ideal_low_pass(len(stretched), scale)
    interpolated: Tensor = torch.fft.ifft(smoothed).real
    return interpolated


def triangular_kernel(scale: int, length: int | None = None) -> Tensor:
    """Linear interpolation by `scale`: 2s − 1 taps with a middle one (default), or 2s without.

    [.5, 1, .5] and [.25, .75, .75, .25] at s = 2; all polyphase gains are 1.
    """
    length = 2 * scale - 1 if length is None else length
    distance = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    return (1 - distance.abs() / scale).clamp_min(0)
