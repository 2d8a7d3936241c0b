"""The transpose as an ordinary convolution: stretch, then smooth; and phase by phase."""

import math

import matplotlib as mpl
import torch
from torch.nn import functional as F

from dcgan.convolution.polyphase import interleave
from dcgan.convolution.stretch import (
    frequency_response,
    insert_zeros,
    interpolate_ideally,
    transposed_convolution,
    triangular_kernel,
)
from dcgan.reports.claims.claim import Claim, difference, geometries, largest, random
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
    return Claim(
        "an ordinary convolution",
        "The transpose is itself an ordinary convolution",
        "Turn the kernel by 180°, swap its channels, put s − 1 zeros between the pixels, pad, and"
        " convolve at stride 1. At s = 1 nothing is put between: no upscaling is involved.",
        "pad d(k − 1) − p before, d(k − 1) − p + op after",
        largest(errors),
        f"largest difference to torch over {len(errors)} configurations",
        figure=gallery(
            [small[0, 0], stretched[0, 0], transposed_convolution(small, kernel, 2, 1, 1)[0, 0]],
            ["2x2", "stretched and padded", "convolved: 4x4"],
        ),
        question="What is the transpose as a convolution of its own?",
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
    return Claim(
        "no upscaling needed",
        "Stride 1 paints too",
        "A map as large as the picture paints in the same way as a small one. All that a stride"
        " adds is zeros between the numbers of the map, so that a small map reaches a large"
        " picture.",
        "s = 1: Aᵀ F = conv(F; K turned by 180°, padding d(k − 1) − p)",
        largest(errors),
        f"largest difference to an ordinary convolution over {len(errors)} configurations at s = 1",
        figure=gallery(
            [
                dots[0, 0],
                F.conv_transpose2d(dots, ring, padding=1)[0, 0],
                insert_zeros(dots, 2)[0, 0],
                F.conv_transpose2d(dots, ring, stride=2, padding=1)[0, 0],
            ],
            ["map", "painted, s = 1", "the map with zeros", "painted, s = 2"],
        ),
        question="Is upscaling necessary at all?",
        remarks=[
            "So it is not necessary. The command dcgan-train -m experiment=flat trains a network"
            " of stride 1 throughout, from noise as large as the picture, beside the usual one, at"
            " as many operations.",
        ],
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
    with mpl.rc_context(STYLE):
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
    left = {
        name: abs(frequency_response(torch.tensor(taps, dtype=torch.float64), math.pi)) / sum(taps)
        for name, taps in (
            ("ones(3)", [1.0] * 3),
            ("ones(4)", [1.0] * 4),
            ("[.5 1 .5]", [0.5, 1, 0.5]),
        )
    }
    shown = ", ".join(f"{name} {round(value, 12):.3g}" for name, value in left.items())
    return Claim(
        "stretch and smooth",
        "Stretching repeats the spectrum; the kernel has to remove the copies",
        "A spectrum lists a signal's coefficients in an orthogonal basis of waves, slow ones first."
        " Zeros between the samples repeat it s times; the copies are fast waves that the signal"
        " did not have, and what the kernel lets through of them is a pattern that does not belong"
        " there. The copy of a constant, at s = 2, is the alternating wave: the checkerboard."
        " H(π) = 0 removes it exactly, and the copies of other slow waves nearly.",
        "at s = 2: H(0) = w₀ + w₁ + w₂ + …, H(π) = w₀ − w₁ + w₂ − …; |H(π)|/|H(0)| is what is left",
        largest(errors),
        "largest difference of spectra to their copies, and of ideal interpolation to the signal",
        figure=figure,
        remarks=[
            "H(0) and H(π) are the kernel's inner products with (1, 1, 1, …), the slowest wave,"
            " and (1, −1, 1, …), the fastest: an alternating pattern. H(π) is the sum of the even"
            " taps minus that of the odd ones, so it is zero exactly when these agree.",
            f"Left of the alternating wave: {shown}; ones(3) is the kernel 1 1 1.",
        ],
        question="Where does the checkerboard come from, and what cures it?",
    )


def phases() -> Claim:
    """Claim 8."""
    errors = []
    for k in range(1, 8):
        for s in range(1, 5):
            for p in range(3):
                length = 5 * s + k - 2 * p
                if length < 1:
                    continue
                x, taps = random(6), random(k, seed=1)
                expected = F.conv_transpose1d(x[None, None], taps[None, None], stride=s, padding=p)
                errors.append(difference(interleave(x, taps, s, p, length), expected[0, 0]))
    taps = torch.arange(1.0, 5).double()
    even, odd = torch.zeros(4).double(), torch.zeros(4).double()
    even[::2], odd[1::2] = taps[::2], taps[1::2]
    return Claim(
        "phases",
        "It is s filters, interleaved",
        "Every output reads the taps of its own phase only: at s = 2 the even outputs come from"
        " one filter and the odd ones from another, and nothing makes these agree.",
        "y[o] = Σ_q w[r + s·q]·x[(o + p)//s − q], r = (o + p) mod s",
        largest(errors),
        f"largest difference to torch over {len(errors)} configurations",
        figure=gallery(
            [taps[None], even[None], odd[None]],
            ["kernel", "taps of even outputs", "taps of odd outputs"],
            numbers=True,
        ),
    )
