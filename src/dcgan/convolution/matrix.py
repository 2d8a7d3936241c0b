"""A convolution as a matrix, and its transpose (claims 1 and 2).

Images are flattened as torch flattens them: channel, then row, then column.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

Sizes = int | Sequence[int]


def per_axis(value: Sizes, num_axes: int) -> tuple[int, ...]:
    """2 stands for (2, 2), as torch has it."""
    return (value,) * num_axes if isinstance(value, int) else tuple(value)


def convolution_matrix(
    weight: Tensor, size: Sizes, stride: Sizes = 1, padding: Sizes = 0, dilation: Sizes = 1
) -> Tensor:
    """The matrix A with A·x = conv(x): (out_channels·outputs, in_channels·inputs).

    A[c, o; i, x] = Σ_t w[c, i, t]·[x = s·o + d·t − p], per axis. Its transpose is the transposed
    convolution with the same weight.

    Args:
        weight: (out_channels, in_channels, k) or (out_channels, in_channels, k, k).
        size: of the input, per axis.

    Raises:
        ValueError: the kernel reaches further than the padded input.
    """
    axes = weight.ndim - 2
    placed = [
        _placements(k, *geometry)
        for k, *geometry in zip(
            weight.shape[2:],
            *(per_axis(value, axes) for value in (size, stride, padding, dilation)),
            strict=True,
        )
    ]
    rules = {1: "cit,tox->coix", 2: "citu,tox,upy->copixy"}
    matrix = torch.einsum(rules[axes], weight, *(p.to(weight.dtype) for p in placed))
    return matrix.flatten(axes + 1).flatten(0, axes)


def _placements(k: int, size: int, stride: int, padding: int, dilation: int) -> Tensor:
    """(k, outputs, inputs): 1 where tap t of output o reads input x."""
    outputs = (size + 2 * padding - dilation * (k - 1) - 1) // stride + 1
    if outputs < 1:
        raise ValueError(f"a kernel of {k} (dilation {dilation}) on {size} + 2·{padding} pixels")
    taps, positions = torch.arange(k)[:, None, None], torch.arange(outputs)[None, :, None]
    read = stride * positions + dilation * taps - padding
    return read == torch.arange(size)
