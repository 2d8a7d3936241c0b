"""A transposed convolution as s independent filters, interleaved (claims 8 and 10)."""

import torch
from torch import Tensor

from dcgan.convolution.stretch import frequency_response


def polyphase_filters(taps: Tensor, stride: int) -> list[Tensor]:
    """The taps of each phase: R_r = [h[r], h[r + s], h[r + 2s], …], r = 0 … s − 1."""
    return [taps[phase::stride] for phase in range(stride)]


def polyphase_gains(taps: Tensor, stride: int) -> Tensor:
    """R_0(1) … R_{s−1}(1): the answer of each phase to a constant; equal means no grid: (s,).

    Sugawara, Shiota & Kiya, 2019.
    """
    return torch.stack([taps_of.sum() for taps_of in polyphase_filters(taps, stride)])


def interleave(x: Tensor, taps: Tensor, stride: int, padding: int, output_size: int) -> Tensor:
    """1-D transposed convolution: y[o] = Σ_q w[r + s·q]·x[(o + p)//s − q] with r = (o + p) mod s.

    Args:
        x: (n,).
    """
    filters = polyphase_filters(taps, stride)
    answer = x.new_zeros(output_size)
    for o in range(output_size):
        place, phase = divmod(o + padding, stride)
        for q, tap in enumerate(filters[phase]):
            if 0 <= place - q < len(x):
                answer[o] += tap * x[place - q]
    return answer


def largest_image(taps: Tensor, stride: int) -> float:
    """The largest |H(2πm/s)|, m = 1 … s − 1, over |H(0)|: 0 exactly when the gains are equal."""
    dc = abs(frequency_response(taps, 0))
    images = [abs(frequency_response(taps, 2 * torch.pi * m / stride)) for m in range(1, stride)]
    return max(images) / dc
