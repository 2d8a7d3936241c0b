"""Coverage, what it does not decide, dead zones, and resizing inside transposed convolution."""

from itertools import product

import matplotlib as mpl
import torch
from torch.nn import functional as F

from dcgan.convolution.coverage import coverage, coverage_ratio, dead_share, stacked_coverage
from dcgan.convolution.equivalence import resize_as_transposed, subpixel_as_transposed
from dcgan.convolution.polyphase import largest_image, polyphase_gains
from dcgan.convolution.stretch import triangular_kernel
from dcgan.reports.claims.claim import Claim, claim, difference, random
from dcgan.reports.claims.drawing import gallery, row
from dcgan.reports.figures import STYLE


def coverages() -> Claim:
    """Claim 9."""
    errors = []
    for k, s in product(range(1, 9), range(1, 5)):
        ones = torch.ones(1, 1, k, dtype=torch.float64)
        counted = F.conv_transpose1d(torch.ones(1, 1, 24, dtype=torch.float64), ones, stride=s)
        predicted = coverage((k,), (s,)).double()
        errors.append(difference(counted[0, 0, 12 * s : 13 * s], predicted))
        fraction = k / s - k // s
        variance = predicted.var(correction=0).item()
        errors.append(abs(variance - fraction * (1 - fraction)))
    fibonacci = [stacked_coverage(3, 2, layers).max().item() for layers in range(1, 6)]
    errors += [abs(a - b) for a, b in zip(fibonacci, (2, 3, 5, 8, 13), strict=True)]
    tiles = [coverage((k, k), (2, 2)).repeat(2, 2).double() for k in range(2, 7)]
    return claim(
        "coverage",
        errors,
        figure=gallery(tiles, [f"k{k} s2" for k in range(2, 7)], numbers=True),
        k3=coverage_ratio((3, 3), (2, 2)),
        k5=coverage_ratio((5, 5), (2, 2)),
        k4=coverage_ratio((4, 4), (2, 2)),
        shown=", ".join(f"{x:g}" for x in fibonacci),
    )


def what_coverage_does_not_decide() -> Claim:
    """Claim 10."""
    examples = {
        "[1 2 1]": [1.0, 2, 1],
        "[3 1 3 1]": [3.0, 1, 3, 1],
        "triangle, k3": triangular_kernel(2, 3).tolist(),
        "triangle, k4": triangular_kernel(2, 4).tolist(),
    }
    errors, words = [], []
    figure, axes = row(len(examples), width=2.4)
    for axis, (name, values) in zip(axes, examples.items(), strict=True):
        taps = torch.tensor(values, dtype=torch.float64)
        gains = polyphase_gains(taps, 2)
        step = F.conv_transpose1d(
            torch.ones(1, 1, 10, dtype=torch.float64), taps[None, None], stride=2
        )[0, 0]
        errors.append(difference(step[8:10], gains))
        # H at the grid's frequency is the gains' difference.
        image = largest_image(taps, 2) * taps.sum().item()
        errors.append(abs(image - (gains[0] - gains[1]).abs().item()))
        even = coverage_ratio((len(values),), (2,)) == 1
        words.append(f"{name}: coverage {'even' if even else 'uneven'}, gains {gains.tolist()}")
        with mpl.rc_context(STYLE):
            axis.bar(range(len(step)), step.numpy())
            axis.set_title(f"{name}", fontsize=9)
    return claim("what coverage does not decide", errors, figure=figure, shown="; ".join(words))


def dead_zones() -> Claim:
    """Claim 11."""
    errors, tiles, names = [], [], []
    for k, s in ((1, 2), (2, 3), (1, 3), (3, 4)):
        reached = coverage((k, k), (s, s)) > 0
        errors.append(abs(dead_share(k, s) - (1 - reached.double().mean().item())))
        tiles.append(reached.repeat(2, 2).double())
        names.append(f"k{k} s{s}: {dead_share(k, s):.0%} dead")
    return claim("dead zones", errors, figure=gallery(tiles, names))


def resizing_inside() -> Claim:
    """Claim 12."""
    weight, x = random(3, 2, 3, 3), random(1, 2, 6, 7)
    resized = F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)
    four = F.conv_transpose2d(x, resize_as_transposed(weight), stride=2, padding=1)
    shuffle = random(12, 2, 3, 3)
    shuffled = F.pixel_shuffle(F.conv2d(x, shuffle, padding=1), 2)
    six = F.conv_transpose2d(x, subpixel_as_transposed(shuffle), stride=2, padding=2)
    kernel = torch.arange(1.0, 10).double().reshape(1, 1, 3, 3)
    equal = resize_as_transposed(kernel)[0, 0]
    gains = torch.stack([equal[a::2, b::2].sum() for a in (0, 1) for b in (0, 1)])
    return claim(
        "resizing inside",
        [
            difference(four, resized),
            difference(six, shuffled),
            difference(gains, gains.mean().expand(4)),
        ],
        figure=gallery([kernel[0, 0], equal], ["3x3", "the 4x4 that equals it"], numbers=True),
        gain=gains[0].item(),
    )
