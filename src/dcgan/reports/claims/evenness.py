"""Coverage and its limits, dead zones, and resize-convolution as transposed convolution."""

from itertools import product

import torch
from torch.nn import functional as F

from dcgan.convolution import (
    coverage,
    coverage_ratio,
    dead_share,
    largest_image,
    polyphase_gains,
    resize_as_transposed,
    stacked_coverage,
    subpixel_as_transposed,
    triangular_kernel,
)
from dcgan.reports.claims.claim import Finding, difference, ones, random


def coverages() -> Finding:
    """Claim "coverage"."""
    errors = []
    for k, s in product(range(1, 9), range(1, 5)):
        counted = F.conv_transpose1d(ones(1, 1, 24), ones(1, 1, k), stride=s)
        predicted = coverage((k,), (s,)).double()
        fraction = k / s - k // s
        variance = predicted.var(correction=0).item()
        errors.append(difference(counted[0, 0, 12 * s : 13 * s], predicted))
        errors.append(abs(variance - fraction * (1 - fraction)))
    fibonacci = [stacked_coverage(3, 2, layers).max().item() for layers in range(1, 6)]
    errors += [abs(a - b) for a, b in zip(fibonacci, (2, 3, 5, 8, 13), strict=True)]
    fields: dict[str, object] = {"fibonacci": ", ".join(f"{number:g}" for number in fibonacci)}
    fields |= {f"k{k}": coverage_ratio((k, k), (2, 2)) for k in range(2, 7)}
    return Finding(errors, fields=fields)


def what_coverage_does_not_decide() -> Finding:
    """Claim "what coverage does not decide"."""
    kernels = {
        "1 1 1": ones(3),
        "1 2 1": torch.tensor([1.0, 2, 1], dtype=torch.float64),
        "1 1 1 1": ones(4),
        "3 1 3 1": torch.tensor([3.0, 1, 3, 1], dtype=torch.float64),
        "¼ ¾ ¾ ¼": triangular_kernel(2, 4),
    }
    errors, examples = [], []
    for name, taps in kernels.items():
        gains = polyphase_gains(taps, 2)
        step = F.conv_transpose1d(ones(1, 1, 10), taps[None, None], stride=2)[0, 0]
        errors.append(difference(step[8:10], gains))
        # H at the checkerboard's frequency is the difference of the gains.
        image = largest_image(taps, 2) * taps.sum()
        errors.append(difference(image, (gains[0] - gains[1]).abs()))
        counts = coverage(taps.shape, (2,))
        examples.append({"name": name, "coverage": counts.tolist(), "gains": gains.tolist()})
    return Finding(errors, fields={"examples": examples})


def dead_zones() -> Finding:
    """Claim "dead zones"."""
    errors = []
    for k, s in ((1, 2), (2, 3), (1, 3), (3, 4)):
        reached = (coverage((k, k), (s, s)) > 0).double()
        errors.append(abs(dead_share(k, s) - (1 - reached.mean().item())))
    return Finding(errors, fields={"k1": dead_share(1, 2)})


def resizing_inside() -> Finding:
    """Claim "resizing inside"."""
    weight, shuffle, x = random(3, 2, 3, 3), random(12, 2, 3, 3), random(1, 2, 6, 7)
    resized = F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)
    four = F.conv_transpose2d(x, resize_as_transposed(weight), stride=2, padding=1)
    shuffled = F.pixel_shuffle(F.conv2d(x, shuffle, padding=1), 2)
    six = F.conv_transpose2d(x, subpixel_as_transposed(shuffle), stride=2, padding=2)
    kernel = torch.arange(1.0, 10).double().reshape(1, 1, 3, 3)
    tied = resize_as_transposed(kernel)
    gains = F.pixel_unshuffle(tied, 2).sum((0, 2, 3))
    errors = [
        difference(four, resized),
        difference(six, shuffled),
        difference(gains, gains.mean().expand(4)),
    ]
    views = {"3x3": kernel[0, 0], "the equivalent 4x4": tied[0, 0]}
    return Finding(errors, views, {"gain": gains[0].item()})
