"""The transpose as an ordinary convolution (stretch, then smooth), and phase by phase."""

import math
from itertools import product

import torch
from torch.nn import functional as F

from dcgan.convolution import (
    insert_zeros,
    interleave,
    interpolate_ideally,
    largest_image,
    transposed_convolution,
    triangular_kernel,
)
from dcgan.reports.claims.claim import Finding, difference, geometries, ones, random

SIZE = 5


def an_ordinary_convolution() -> Finding:
    """Claim "an ordinary convolution"."""
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
    return Finding(errors)


def no_upscaling_needed() -> Finding:
    """Claim "no upscaling needed"."""
    errors = []
    x = random(1, 2, SIZE, SIZE)
    for k, s, p, d in geometries(SIZE):
        if s > 1 or p > d * (k - 1):
            continue
        weight = random(2, 3, k, k)
        painted = F.conv_transpose2d(x, weight, padding=p, dilation=d)
        rotated = weight.flip(2, 3).transpose(0, 1)
        ordinary = F.conv2d(x, rotated, padding=d * (k - 1) - p, dilation=d)
        errors.append(difference(painted, ordinary))
        errors.append(difference(transposed_convolution(x, weight, 1, p, 0, d), ordinary))
    dots = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    dots[0, 0, 1, 1] = dots[0, 0, 5, 5] = 1
    ring = ones(1, 1, 3, 3)
    ring[0, 0, 1, 1] = 0
    views = {
        "map": dots[0, 0],
        "painted, s = 1": F.conv_transpose2d(dots, ring, padding=1)[0, 0],
        "painted, s = 2": F.conv_transpose2d(dots, ring, stride=2, padding=1)[0, 0],
    }
    return Finding(errors, views)


def stretch_and_smooth() -> Finding:
    """Claim "stretch and smooth"."""
    errors = []
    for s in (2, 3, 4):
        x = random(12)
        stretched = insert_zeros(x[None, None], s)[0, 0]
        errors.append(difference(torch.fft.fft(stretched, n=12 * s), torch.fft.fft(x).repeat(s)))
        errors.append(difference(interpolate_ideally(x, s)[::s], x))
        t = torch.arange(12.0 * s, dtype=torch.float64) / s
        wave = torch.cos(2 * math.pi * 3 * t / 12) + torch.sin(2 * math.pi * 5 * t / 12)
        errors.append(difference(interpolate_ideally(wave[::s], s), wave))
    left = {
        name: round(largest_image(taps, 2), 12)
        for name, taps in {
            "1 1 1": ones(3),
            "1 1 1 1": ones(4),
            "½ 1 ½": triangular_kernel(2),
            "¼ ¾ ¾ ¼": triangular_kernel(2, 4),
            "1 0 0": torch.tensor([1.0, 0, 0], dtype=torch.float64),
        }.items()
    }
    return Finding(errors, fields={"left": left})


def phases() -> Finding:
    """Claim "phases"."""
    errors = []
    for k, s, p in product(range(1, 8), range(1, 5), range(3)):
        if 5 * s + k - 2 * p < 1:
            continue
        x, taps = random(6), random(k, seed=1)
        expected = F.conv_transpose1d(x[None, None], taps[None, None], stride=s, padding=p)
        errors.append(difference(interleave(x, taps, s, p), expected[0, 0]))
    return Finding(errors)
