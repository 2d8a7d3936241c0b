"""How many taps of a strided kernel reach each output pixel (Odena, Dumoulin & Olah, 2016)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def coverage(
    kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int] | None = None
) -> Tensor:
    """Taps that reach an interior output of each phase: integers of shape `stride`.

    Along one axis, #{t < k : d·t mod s = r} taps reach phase r: floor(k/s) or ceil(k/s) for d = 1.
    In more dimensions the counts are the outer product: [[4, 2], [2, 1]] for k = 3, s = 2. For
    d = 1 they are all equal if and only if s divides k.
    """
    counts = torch.ones((), dtype=torch.long)
    for k, s, d in zip(kernel_size, stride, dilation or [1] * len(stride), strict=True):
        counts = counts[..., None] * torch.bincount(torch.arange(k) * d % s, minlength=s)
    return counts


def coverage_ratio(
    kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int] | None = None
) -> float:
    """The largest coverage over the smallest. 1: even; ∞: some outputs are not reached."""
    counts = coverage(kernel_size, stride, dilation).double()
    return (counts.max() / counts.min()).item()


def stacked_coverage(kernel_size: int, stride: int, num_layers: int) -> Tensor:
    """The number of paths from inputs to each interior output of stacked layers, along one axis.

    The largest is 2, 3, 5, 8, 13 for k = 3, s = 2 (the Fibonacci numbers), and 2^L for k = 4.
    """
    ones = torch.ones(1, 1, kernel_size, dtype=torch.float64)
    counts = torch.ones(1, 1, 1, dtype=torch.float64)
    for _ in range(num_layers):
        counts = F.conv_transpose1d(counts, ones, stride=stride)
    phases = stride**num_layers
    return torch.stack([counts[0, 0, phase::phases].sum() for phase in range(phases)])


def dead_share(kernel_size: int, stride: int) -> float:
    """The share of interior outputs that no tap reaches: 1 − (k/s)² for s > k, else 0."""
    return 1 - min(1.0, kernel_size / stride) ** 2
