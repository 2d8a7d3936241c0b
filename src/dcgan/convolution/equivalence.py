"""Resize- and sub-pixel convolution as transposed convolutions (claim 12)."""

from torch import Tensor
from torch.nn import functional as F


def resize_as_transposed(weight: Tensor) -> Tensor:
    """The weight of the ConvTranspose2d(k4, s2, p1) that equals nearest x2, then conv3 (p1).

    The 3x3 kernel turned by 180° and convolved with a 2x2 box; borders are equal too.

    Args:
        weight: (out_channels, in_channels, 3, 3).

    Returns:
        (in_channels, out_channels, 4, 4).
    """
    turned: Tensor = weight.flip(2, 3).transpose(0, 1)
    box = weight.new_ones(1, 1, 2, 2)
    flat = turned.reshape(-1, 1, 3, 3)
    taps: Tensor = F.conv2d(F.pad(flat, (1, 1, 1, 1)), box)
    shaped: Tensor = taps[:, 0].unflatten(0, turned.shape[:2])
    return shaped


def subpixel_as_transposed(weight: Tensor) -> Tensor:
    """The weight of the ConvTranspose2d(k6, s2, p2) that equals conv3 (p1), then PixelShuffle(2).

    Each output phase takes the taps of one of the four filters, turned by 180°.

    Args:
        weight: (4·out_channels, in_channels, 3, 3).

    Returns:
        (in_channels, out_channels, 6, 6).
    """
    turned: Tensor = weight.flip(2, 3).unflatten(0, (-1, 2, 2))  # (out, a, b, in, 3, 3)
    taps: Tensor = turned.new_zeros(turned.shape[3], turned.shape[0], 6, 6)
    for a in (0, 1):
        for b in (0, 1):
            taps[:, :, a::2, b::2] = turned[:, a, b].transpose(0, 1)
    return taps
