"""Kernels that cannot make a checkerboard, and a filter that removes one."""

import math
from itertools import product

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution import (
    balancing_projection,
    coverage,
    frequency_response,
    notch_taps,
    polyphase_gains,
    resize_as_transposed,
    subpixel_as_transposed,
)
from dcgan.reports.claims.claim import Finding, difference, random


def balanced() -> Finding:
    """Claim "balanced"."""
    errors, free = [], {}
    for k, s, d in product(range(1, 7), range(1, 5), (1, 2)):
        if k < s or math.gcd(s, d) > 1:  # a phase is empty
            continue
        projection, taps = balancing_projection([k], [s], [d]), random(k)
        errors.append(difference(projection @ taps, nearest_by_formula(taps, s, d)))
        errors.append(difference(projection @ projection, projection))
        errors.append(difference(projection, projection.T))
    for k, order in product(range(2, 7), (1, 2)):
        if (k, order) == (2, 2):  # nothing is left
            continue
        projection = balancing_projection([k, k], [2, 2], order=order)
        kernel = (projection @ random(k * k)).reshape(k, k)
        # Away from borders the response to a constant is a constant; for order 2, to a ramp a ramp.
        x = torch.arange(12.0, dtype=torch.float64) ** (order - 1)
        output = F.conv_transpose2d(x.expand(1, 1, 12, 12), kernel[None, None], stride=2)[0, 0]
        bends = output[8:16, 8:16].diff(n=order, dim=0), output[8:16, 8:16].diff(n=order, dim=1)
        errors += [bend.abs().max().item() for bend in bends]
        free[k, order] = round(projection.trace().item())
    tied = resize_as_transposed(random(2, 3, 3, 3)).flatten(2)
    icnr = random(2, 3, 3, 3).repeat_interleave(4, dim=0)
    for kernels in (tied, subpixel_as_transposed(icnr).flatten(2)):
        side = math.isqrt(kernels.shape[-1])
        errors.append(difference(kernels @ balancing_projection([side] * 2, [2, 2]), kernels))
    examples = []
    for given in ([1, 2, 1], [3, 1, 3, 1], [1, 1, 1]):
        cured = balancing_projection([len(given)], [2]) @ torch.tensor(given, dtype=torch.float64)
        examples.append((given, [f"{tap:.3g}" for tap in cured.tolist()]))
    return Finding(errors, fields={"examples": examples, "free": free})


def nearest_by_formula(taps: Tensor, stride: int, dilation: int) -> Tensor:
    """w'_t = w_t + (c − g_r)/n_r with c = Σ(g_r/n_r) / Σ(1/n_r), r the phase of tap t."""
    phase = torch.arange(len(taps)) * dilation % stride
    gains = torch.zeros(stride, dtype=torch.float64).index_add(0, phase, taps)
    counts = coverage([len(taps)], [stride], [dilation]).double()
    common = (gains / counts).sum() / (1 / counts).sum()
    return taps + ((common - gains) / counts)[phase]


def notch() -> Finding:
    """Claim "notch"."""
    errors = []
    frequencies = torch.linspace(0, math.pi, 65, dtype=torch.float64)
    figure = Figure(figsize=(3.7, 2.2), layout="constrained")
    axis = figure.subplots()
    for m in (1, 2, 4, 8):
        passed = frequency_response(notch_taps(m), frequencies.tolist()).abs()
        errors.append(difference(passed, 1 - torch.sin(frequencies / 2) ** (2 * m)))
        gains = polyphase_gains(notch_taps(m), 2)  # equal: an alternating sign does not pass
        errors.append(abs(gains[0] - gains[1]).item())
        axis.plot(frequencies.tolist(), passed.tolist(), label=f"m = {m}")
    axis.set_xticks([0, math.pi / 2, math.pi], ["constant (0)", "π/2", "alternating (π)"])
    axis.set_ylabel("share that passes")
    axis.legend(fontsize=8)
    kept = [frequency_response(notch_taps(m), [math.pi / 2]).abs().item() for m in (1, 2, 4)]
    return Finding(
        errors, fields={"kept": ", ".join(f"{share:.2g}" for share in kept), "figure": figure}
    )
