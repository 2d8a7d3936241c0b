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
from dcgan.reports.claims.drawing import gallery


def coverages() -> Finding:
    """Claim 9."""
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
    tiles = {f"k{k} s2": coverage((k, k), (2, 2)).repeat(2, 2).double() for k in range(2, 7)}
    fields: dict[str, object] = {"fibonacci": ", ".join(f"{number:g}" for number in fibonacci)}
    fields |= {f"k{k}": coverage_ratio((k, k), (2, 2)) for k in (3, 4, 5)}
    return Finding(errors, gallery(tiles, numbers=True), fields)


def what_coverage_does_not_decide() -> Finding:
    """Claim 10."""
    kernels = {
        "[1 2 1]": torch.tensor([1.0, 2, 1], dtype=torch.float64),
        "[3 1 3 1]": torch.tensor([3.0, 1, 3, 1], dtype=torch.float64),
        "triangle, k3": triangular_kernel(2, 3),
        "triangle, k4": triangular_kernel(2, 4),
    }
    errors, examples, responses = [], [], {}
    for name, taps in kernels.items():
        gains = polyphase_gains(taps, 2)
        step = F.conv_transpose1d(ones(1, 1, 10), taps[None, None], stride=2)[0, 0]
        errors.append(difference(step[8:10], gains))
        # H at the checkerboard's frequency is the difference of the gains.
        image = largest_image(taps, 2) * taps.sum()
        errors.append(difference(image, (gains[0] - gains[1]).abs()))
        even = "even" if coverage_ratio(taps.shape, (2,)) == 1 else "uneven"
        examples.append(f"{name}: coverage {even}, gains {gains.tolist()}")
        responses[name] = torch.outer(step, step)
    return Finding(errors, gallery(responses), {"examples": "; ".join(examples)})


def dead_zones() -> Finding:
    """Claim 11."""
    errors, tiles = [], {}
    for k, s in ((1, 2), (2, 3), (1, 3), (3, 4)):
        reached = (coverage((k, k), (s, s)) > 0).double()
        errors.append(abs(dead_share(k, s) - (1 - reached.mean().item())))
        tiles[f"k{k} s{s}: {dead_share(k, s):.0%} dead"] = reached.repeat(2, 2)
    return Finding(errors, gallery(tiles))


def resizing_inside() -> Finding:
    """Claim 12."""
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
    figure = gallery({"3x3": kernel[0, 0], "the equivalent 4x4": tied[0, 0]}, numbers=True)
    return Finding(errors, figure, {"gain": gains[0].item()})
