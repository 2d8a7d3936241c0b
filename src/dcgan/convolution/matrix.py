"""A convolution as a matrix, and its transpose (claims "matrix" and "transpose").

Images are flattened as torch flattens them: channel, then row, then column.
"""

import torch
from torch import Tensor


def convolution_matrix(
    weight: Tensor, size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Tensor:
    """The matrix A with A·x = conv(x): (out_channels·outputs, in_channels·inputs).

    A[c, o; i, x] = Σ_t w[c, i, t]·[x = s·o + d·t − p], per axis. Its transpose is the transposed
    convolution with the same weight.

    Args:
        weight: (out_channels, in_channels, k) or (out_channels, in_channels, k, k).
        size: the input's size along every axis.

    Raises:
        ValueError: the kernel is larger than the padded input.
    """
    reads = []  # per axis (k, outputs, inputs): 1 where tap t of output o reads input x
    for k in weight.shape[2:]:
        outputs = (size + 2 * padding - dilation * (k - 1) - 1) // stride + 1
        if outputs < 1:
            raise ValueError(
                f"kernel {k}, dilation {dilation}: larger than {size} + 2·{padding} pixels"
            )
        taps, positions = torch.arange(k)[:, None, None], torch.arange(outputs)[:, None]
        read = stride * positions + dilation * taps - padding == torch.arange(size)
        reads.append(read.to(weight.dtype))
    rule = {1: "cit,tox->coix", 2: "citu,tox,upy->copixy"}[len(reads)]
    return torch.einsum(rule, weight, *reads).flatten(1 + len(reads)).flatten(0, len(reads))
