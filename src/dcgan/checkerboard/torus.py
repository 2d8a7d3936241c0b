"""Convolutions of small periodic images, exact whatever the size of the kernel."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number stands for all axes."""
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    return values if len(values) == axes else values * axes


def wrapped(values: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
    """Pixels start to stop − 1 along every axis of (N, C, *size) images on a torus."""
    for a, (start, stop) in enumerate(ranges):
        n = values.shape[2 + a]
        if (start, stop) != (0, n):
            values = values.index_select(2 + a, torch.arange(start, stop) % n)
    return values


@dataclass(frozen=True)
class Geometry:
    """Of a convolution, per axis."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    groups: int


def stamped(values: Tensor, weight: Tensor, shape: Geometry) -> Tensor:
    """Convolve one image (1, 1, *size) as each input channel in turn, by adding up its kernels.

    Returns:
        (in_channels + 1, out_channels, *size); the last is zero.
    """
    # Between groups the weights are 0.
    parts = [part.flatten(1) for part in weight.chunk(shape.groups)]
    dense = torch.block_diag(*parts).unflatten(1, (-1, *weight.shape[2:]))
    if not shape.transposed:
        dense = dense.transpose(0, 1)
    axes = zip(values.shape[2:], shape.stride, strict=True)
    size = [n * s if shape.transposed else n // s for n, s in axes]
    answer: Tensor = dense.new_zeros(len(dense) + 1, dense.shape[1], *size)
    pixels: list[list[int]] = values[0, 0].nonzero().tolist()
    for pixel in pixels:
        for tap in itertools.product(*map(range, dense.shape[2:])):
            at: list[float] = []
            for i, t, a in zip(pixel, tap, itertools.count(), strict=False):
                s, p, d = shape.stride[a], shape.padding[a], shape.dilation[a]
                at.append(s * i - p + d * t if shape.transposed else (i + p - d * t) / s)
            if any(place % 1 for place in at):
                continue
            to = tuple(int(x) % n for x, n in zip(at, size, strict=True))
            of: tuple[Any, ...] = (slice(None), slice(None), *tap)
            into: tuple[Any, ...] = (slice(-1), slice(None), *to)
            answer[into] += values[0, 0][tuple(pixel)] * dense[of]
    return answer


def swept(values: Tensor, weight: Tensor, shape: Geometry) -> Tensor:
    """Convolve images with all their channels, (N, in_channels, *size)."""
    functions: Any = (F.conv1d, F.conv2d, F.conv3d)
    if shape.transposed:
        functions = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
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
    values = functions[len(ranges) - 1](
        wrapped(values, ranges),
        weight,
        stride=shape.stride,
        dilation=shape.dilation,
        groups=shape.groups,
    )
    for a, (start, length) in enumerate(crops):
        values = values.narrow(2 + a, start, length)
    return values.clone()
