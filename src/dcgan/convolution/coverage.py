"""How many taps of a strided kernel reach each output pixel (Odena, Dumoulin & Olah, 2016)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def coverage(kernel_size: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Taps that reach an interior output of each phase: one axis per axis, shape `stride`.

    Along one axis phase r is reached by #{t < k : t mod s = r} taps, floor(k/s) or ceil(k/s); in
    more dimensions it is the outer product. [[1, 2], [2, 4]] up to order for k = 3, s = 2. Equal
    everywhere if and only if s divides k.
    """
    counts = torch.ones(())
    for k, s in zip(kernel_size, stride, strict=True):
        axis = torch.bincount(torch.arange(k) % s, minlength=s)
        counts = counts[..., None] * axis
    return counts.long()


def coverage_ratio(kernel_size: Sequence[int], stride: Sequence[int]) -> float:
    """The largest over the smallest coverage: 1 is even, ∞ where some outputs are not reached."""
    counts = coverage(kernel_size, stride).double()
    return (counts.max() / counts.min()).item()
