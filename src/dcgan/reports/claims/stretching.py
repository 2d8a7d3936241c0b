"""The transpose as an ordinary convolution: stretch, then smooth; and phase by phase."""

import math
from itertools import product

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F

from dcgan.convolution.polyphase import interleave
from dcgan.convolution.stretch import (
    frequency_response,
    insert_zeros,
    interpolate_ideally,
    transposed_convolution,
    triangular_kernel,
)
from dcgan.reports.claims.claim import Claim, claim, difference, geometries, random
from dcgan.reports.claims.drawing import gallery, row
from dcgan.reports.figures import STYLE

SIZE = 5


def an_ordinary_convolution() -> Claim:
    """Claim 5."""
    errors = []
    x = random(1, 2, SIZE, SIZE)
    for k, s, p, d in geometries(size=99):
        for op in range(max(s, d)):
            if (SIZE - 1) * s - 2 * p + d * (k - 1) + op < 0:
                continue
            weight = random(2, 3, k, k)
            expected = F.conv_transpose2d(
                x, weight, stride=s, padding=p, output_padding=op, dilation=d
            )
            ours = transposed_convolution(x, weight, s, p, op, d)
            errors.append(difference(ours, expected))
    small, kernel = torch.arange(1.0, 5).double().reshape(1, 1, 2, 2), random(1, 1, 3, 3)
    stretched = F.pad(insert_zeros(small, 2), (1, 2, 1, 2))
    return claim(
        "an ordinary convolution",
        errors,
        figure=gallery(
            [small[0, 0], stretched[0, 0], transposed_convolution(small, kernel, 2, 1, 1)[0, 0]],
            ["2x2", "stretched and padded", "convolved: 4x4"],
        ),
    )


def no_upscaling_needed() -> Claim:
    """Claim 5 at s = 1."""
    errors = []
    x = random(1, 2, SIZE, SIZE)
    for k, _, p, d in geometries(size=SIZE):
        if p > d * (k - 1):
            continue
        weight = random(2, 3, k, k)
        painted = F.conv_transpose2d(x, weight, padding=p, dilation=d)
        turned = weight.flip(2, 3).transpose(0, 1)
        ordinary = F.conv2d(x, turned, padding=d * (k - 1) - p, dilation=d)
        errors.append(difference(painted, ordinary))
    dots = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    dots[0, 0, 1, 1] = dots[0, 0, 3, 2] = 1
    ring = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    ring[0, 0, 1, 1] = 0
    return claim(
        "no upscaling needed",
        errors,
        figure=gallery(
            [
                dots[0, 0],
                F.conv_transpose2d(dots, ring, padding=1)[0, 0],
                insert_zeros(dots, 2)[0, 0],
                F.conv_transpose2d(dots, ring, stride=2, padding=1)[0, 0],
            ],
            ["map", "painted, s = 1", "the map with zeros", "painted, s = 2"],
        ),
    )


def stretch_and_smooth() -> Claim:
    """Claim 7."""
    errors = []
    for s in (2, 3, 4):
        x = random(12)
        stretched = torch.zeros(12 * s, dtype=torch.float64)
        stretched[: 11 * s + 1] = insert_zeros(x[None, None], s)[0, 0]
        repeated = torch.fft.fft(x).repeat(s)
        errors.append((torch.fft.fft(stretched) - repeated).abs().max().item())
        errors.append(difference(interpolate_ideally(x, s)[::s], x))
        t = torch.arange(12.0 * s, dtype=torch.float64) / s
        wave = torch.cos(2 * math.pi * 3 * t / 12) + torch.sin(2 * math.pi * 5 * t / 12)
        errors.append(difference(interpolate_ideally(wave[::s], s), wave))
    left = {
        name: abs(frequency_response(torch.tensor(taps, dtype=torch.float64), math.pi)) / sum(taps)
        for name, taps in (
            ("ones(3)", [1.0] * 3),
            ("ones(4)", [1.0] * 4),
            ("[.5 1 .5]", [0.5, 1, 0.5]),
        )
    }
    shown = ", ".join(f"{name} {round(value, 12):.3g}" for name, value in left.items())
    return claim("stretch and smooth", errors, _spectra(), shown=shown)


@mpl.rc_context(STYLE)
def _spectra() -> Figure:
    figure, axes = row(3, width=3, height=2.4)
    t = torch.arange(64.0, dtype=torch.float64)
    smooth = torch.cos(2 * math.pi * 3 * t / 64) + 0.5 * torch.cos(2 * math.pi * 7 * t / 64)
    stretched = torch.zeros(128, dtype=torch.float64)
    stretched[::2] = smooth
    for axis, signal, title in (
        (axes[0], smooth, "spectrum of a smooth signal"),
        (axes[1], stretched, "with zeros between: copies"),
    ):
        count = len(signal) // 2 + 1  # the other half mirrors this one
        waves = torch.linspace(0, math.pi, count)
        axis.plot(waves.tolist(), torch.fft.fft(signal).abs()[:count].tolist())
        axis.set_title(title, fontsize=9)
        axis.set_ylabel("size of coefficient")
    frequencies = torch.linspace(0, math.pi, 100).tolist()
    for name, taps in (
        ("ones(3)", [1.0] * 3),
        ("ones(4)", [1.0] * 4),
        ("triangle", triangular_kernel(2).tolist()),
    ):
        kernel = torch.tensor(taps, dtype=torch.float64)
        gains = [abs(frequency_response(kernel, f)) / kernel.sum().item() for f in frequencies]
        axes[2].plot(frequencies, gains, label=name)
    axes[2].set_title("what a kernel lets through", fontsize=9)
    axes[2].set_ylabel("|H| ÷ H(0)")
    axes[2].legend(fontsize=8)
    for axis in axes:
        axis.set_xticks([0, math.pi], ["slow (0)", "alternating (π)"])
    return figure


def phases() -> Claim:
    """Claim 8."""
    errors = []
    for k, s, p in product(range(1, 8), range(1, 5), range(3)):
        if (length := 5 * s + k - 2 * p) < 1:
            continue
        x, taps = random(6), random(k, seed=1)
        expected = F.conv_transpose1d(x[None, None], taps[None, None], stride=s, padding=p)
        errors.append(difference(interleave(x, taps, s, p, length), expected[0, 0]))
    taps = torch.arange(1.0, 5).double()
    even, odd = torch.zeros(4).double(), torch.zeros(4).double()
    even[::2], odd[1::2] = taps[::2], taps[1::2]
    return claim(
        "phases",
        errors,
        figure=gallery(
            [taps[None], even[None], odd[None]],
            ["kernel", "taps of even outputs", "taps of odd outputs"],
            numbers=True,
        ),
    )
