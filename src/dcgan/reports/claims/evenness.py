"""Coverage, what it does not decide, dead zones, and resizing inside transposed convolution."""

import matplotlib as mpl
import torch
from torch.nn import functional as F

from dcgan.convolution.coverage import coverage, coverage_ratio, dead_share, stacked_coverage
from dcgan.convolution.equivalence import resize_as_transposed, subpixel_as_transposed
from dcgan.convolution.polyphase import largest_image, polyphase_gains
from dcgan.convolution.stretch import triangular_kernel
from dcgan.reports.claims.claim import Claim, difference, largest, random
from dcgan.reports.claims.drawing import gallery, row
from dcgan.reports.figures import STYLE


def coverages() -> Claim:
    """Claim 9."""
    errors = []
    for k in range(1, 9):
        for s in range(1, 5):
            ones = torch.ones(1, 1, k, dtype=torch.float64)
            counted = F.conv_transpose1d(torch.ones(1, 1, 24, dtype=torch.float64), ones, stride=s)
            inside = counted[0, 0, 12 * s : 13 * s]
            predicted = coverage((k,), (s,)).double()
            errors.append(difference(inside, predicted))
            fraction = k / s - k // s
            variance = predicted.var(correction=0).item()
            errors.append(abs(variance - fraction * (1 - fraction)))
    fibonacci = [stacked_coverage(3, 2, layers).max().item() for layers in range(1, 6)]
    errors += [abs(a - b) for a, b in zip(fibonacci, (2, 3, 5, 8, 13), strict=True)]
    tiles = [coverage((k, k), (2, 2)).repeat(2, 2).double() for k in range(2, 7)]
    return Claim(
        "coverage",
        "Coverage: who is reached how often",
        "With kernel 3 at stride 2, p = 0, two taps reach every even output along an axis and one"
        " every odd output. In two dimensions the counts multiply: 4, 2, 2, 1, a checkerboard if"
        " the taps are alike. The counts are equal if and only if the stride divides the kernel.",
        "n_r = number of t in 0 … k − 1 with t mod s = r; their variance f(1 − f), f = k/s − ⌊k/s⌋",
        largest(errors),
        "largest difference of counted to predicted coverage, k 1–8, s 1–4, and of five stacked"
        " layers",
        figure=gallery(tiles, [f"k{k} s2" for k in range(2, 7)], numbers=True),
        remarks=[
            f"Most ÷ fewest at s = 2: k3 {coverage_ratio((3, 3), (2, 2)):g}, k5"
            f" {coverage_ratio((5, 5), (2, 2)):g}, k2, k4 and k6"
            f" {coverage_ratio((4, 4), (2, 2)):g}.",
            "L stacked layers of ones, k3 s2, reach an output at most"
            f" {', '.join(f'{x:g}' for x in fibonacci)} times per axis: Fibonacci's numbers.",
        ],
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
    return Claim(
        "what coverage does not decide",
        "Even coverage is no promise, uneven coverage no verdict",
        "Feed in a constant map at stride 2. Away from the border an even output is that constant"
        " times w₀ + w₂ + …, an odd one times w₁ + w₃ + …. These two sums are the gains. If they"
        " differ, even and odd outputs alternate: the checkerboard. Kernel 4 has two taps in each"
        " sum, but [3 1 3 1] gives 6 and 2. Kernel 3 has two and one, but [1 2 1] gives 2 and 2.",
        "a constant stays constant ⟺ all s gains are equal ⟺ H(2πm/s) = 0 for m = 1 … s − 1",
        largest(errors),
        "largest difference between gains, the answer to a constant, and H at the grid's frequency",
        figure=figure,
        remarks=[
            "So neither decides the other: even coverage is what equal taps need, equal gains what"
            " any taps need.",
            "Equal gains are s − 1 linear equations in the taps, s² − 1 in two dimensions: a random"
            " kernel of size s or more almost never satisfies them, and training need not either."
            " With several channels they must hold for every pair of an input and an output.",
            f"{'; '.join(words)}.",
            "The bars at both ends are the border, where fewer stamps overlap.",
        ],
    )


def dead_zones() -> Claim:
    """Claim 11."""
    errors, tiles, names = [], [], []
    for k, s in ((1, 2), (2, 3), (1, 3), (3, 4)):
        reached = coverage((k, k), (s, s)) > 0
        errors.append(abs(dead_share(k, s) - (1 - reached.double().mean().item())))
        tiles.append(reached.repeat(2, 2).double())
        names.append(f"k{k} s{s}: {dead_share(k, s):.0%} dead")
    return Claim(
        "dead zones",
        "Dead zones",
        "Where the stride is larger than the kernel some outputs are reached by nothing and keep"
        " the bias.",
        "share = 1 − (k/s)² for s > k",
        largest(errors),
        "largest difference of the counted share to the formula",
        figure=gallery(tiles, names),
    )


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
    return Claim(
        "resizing inside",
        "Resize-convolution is a transposed convolution with tied taps",
        "To repeat every pixel 2x2 and then convolve 3x3 is one transposed convolution with kernel"
        " 4, borders included, whose gains are equal whatever the 3x3 kernel learns: this cures"
        " the checkerboard of a constant map. Neither a free kernel 4, which can learn the same,"
        " nor a sub-pixel convolution (3x3 to four times the channels, then interleaved), which is"
        " a free kernel 6, is forced to have equal gains.",
        "K₄ = K₃ turned by 180°, convolved with a 2x2 box of ones",
        largest(
            [
                difference(four, resized),
                difference(six, shuffled),
                difference(gains, gains.mean().expand(4)),
            ]
        ),
        "largest difference between the layers, and between the four gains of the tied kernel",
        figure=gallery([kernel[0, 0], equal], ["3x3", "the 4x4 that equals it"], numbers=True),
        remarks=[
            f"All four gains of the tied kernel are {gains[0].item():g}: a constant stays constant."
        ],
    )
