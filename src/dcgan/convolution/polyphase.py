"""A transposed convolution as s independent filters, interleaved (claim "phases")."""

import math

import numpy as np
import torch
from torch import Tensor

from dcgan.convolution.stretch import frequency_response


def polyphase_gains(taps: Tensor, stride: int) -> Tensor:
    """R_0(1) … R_{s−1}(1), the response of each phase to a constant: (s,).

    If all are equal there is no checkerboard. R_r has the taps [h[r], h[r + s], h[r + 2s], …]
    (Sugawara, Shiota & Kiya, 2019).
    """
    return torch.stack([taps[phase::stride].sum() for phase in range(stride)])


def interleave(x: Tensor, taps: Tensor, stride: int, padding: int = 0) -> Tensor:
    """1-D transposed convolution: y[o] = Σ_q w[r + s·q]·x[(o + p)//s − q] with r = (o + p) mod s.

    Args:
        x: (n,).
    """
    output = np.zeros(stride * (len(x) - 1) + len(taps))
    for phase in range(min(stride, len(taps))):
        output[phase::stride] = np.convolve(x.numpy(), taps[phase::stride].numpy())
    return torch.from_numpy(output[padding : len(output) - padding])


def largest_image(taps: Tensor, stride: int) -> float:
    """The largest |H(2πm/s)|, m = 1 … s − 1, over |H(0)|: 0 if and only if the gains are equal.

    For stride 1 it is 0, as there are no images; ∞ if only H(0) is 0.
    """
    frequencies = [2 * math.pi * m / stride for m in range(stride)]
    response: list[float] = frequency_response(taps, frequencies).abs().tolist()
    constant, largest = response[0], max(response[1:], default=0.0)
    if not constant:
        return math.inf if largest else 0.0
    return largest / constant
