"""How many taps of a strided kernel reach each output pixel (Odena, Dumoulin & Olah, 2016)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def coverage(
    kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int] | None = None
) -> Tensor:
    """Taps that reach an interior output of each phase: integers of shape `stride`.

    Along one axis phase r is reached by #{t < k : d·t mod s = r} taps: floor(k/s) or ceil(k/s) for
    d = 1. In more dimensions it is the outer product: [[4, 2], [2, 1]] for k = 3, s = 2. Equal
    everywhere (d = 1) if and only if s divides k.
    """
    counts = torch.ones((), dtype=torch.long)
    for k, s, d in zip(kernel_size, stride, dilation or [1] * len(stride), strict=True):
        counts = counts[..., None] * torch.bincount(torch.arange(k) * d % s, minlength=s)
    return counts


def coverage_ratio(
    kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int] | None = None
) -> float:
    """The largest over the smallest coverage: 1 is even, ∞ where some outputs are not reached."""
    counts = coverage(kernel_size, stride, dilation).double()
    return (counts.max() / counts.min()).item()
