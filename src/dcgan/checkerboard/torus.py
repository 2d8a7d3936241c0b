"""Convolutions of small periodic images, exact whatever the size of the kernel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number stands for all axes; of more than there are, the last count.

    Torch pools a signal as an image of height 1.
    """
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    return values[-axes:] if len(values) >= axes else values * axes


def wrapped(values: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
    """Pixels start to stop − 1 along every axis of (N, C, *size) images on a torus."""
    for a, (start, stop) in enumerate(ranges):
        n = values.shape[2 + a]
        if (start, stop) != (0, n):
            values = values.index_select(2 + a, torch.arange(start, stop) % n)
    return values


@dataclass(frozen=True)
class Geometry:
    """Of a convolution, a pooling or a fold, per axis."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool = False
    groups: int = 1


def stamped(values: Tensor, weight: Tensor, shape: Geometry) -> Tensor:
    """Convolve one image (1, 1, *size) as each input channel in turn.

    Returns:
        (in_channels + 1, out_channels, *size); the last is zero.
    """
    kernel_size = weight.shape[2:]
    taps = torch.eye(math.prod(kernel_size), dtype=values.dtype).reshape(-1, 1, *kernel_size)
    taps = taps.transpose(0, 1) if shape.transposed else taps
    moved = swept(values, taps, replace(shape, groups=1))[0]  # to where each tap puts the image
    # Between groups the weights are 0.
    parts = [part.flatten(1) for part in weight.chunk(shape.groups)]
    dense = torch.block_diag(*parts).unflatten(1, (-1, *kernel_size))
    dense = dense if shape.transposed else dense.transpose(0, 1)
    dense = F.pad(dense.flatten(2), (0, 0, 0, 0, 0, 1))
    answer: Tensor = torch.tensordot(dense, moved, dims=1)
    return answer


def swept(values: Tensor, weight: Tensor, shape: Geometry) -> Tensor:
    """Convolve images with all their channels, (N, in_channels, *size)."""
    if not shape.transposed:  # whole strides
        sizes = zip(values.shape[2:], shape.stride, strict=True)
        values = wrapped(values, [(0, math.lcm(n, s)) for n, s in sizes])
    ranges, crops = [], []
    for n, k, s, p, d in zip(
        values.shape[2:], weight.shape[2:], shape.stride, shape.padding, shape.dilation, strict=True
    ):
        reach = d * (k - 1)
        if shape.transposed:
            before = -(-reach // s)
            ranges.append((-before, n - (-p // s) + 1))
            crops.append((p + before * s, n * s))
        else:
            ranges.append((-p, n - s - p + reach + 1))
            crops.append((0, n // s))
    none = (0,) * len(ranges)
    options = (None, shape.stride, none, shape.dilation, shape.transposed, none, shape.groups)
    values = torch.convolution(wrapped(values, ranges), weight, *options)
    for a, (start, length) in enumerate(crops):
        values = values.narrow(2 + a, start, length)
    return values.clone()
