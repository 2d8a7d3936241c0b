"""Resize-convolution and sub-pixel convolution as transposed convolutions."""

from torch import Tensor
from torch.nn import functional as F


def resize_as_transposed(weight: Tensor) -> Tensor:
    """The weight of the ConvTranspose2d(k4, s2, p1) that equals nearest x2, then conv3 (p1).

    It is the 3x3 kernel rotated by 180° and convolved with a 2x2 box; the borders agree too.

    Args:
        weight: (out_channels, in_channels, 3, 3).

    Returns:
        (in_channels, out_channels, 4, 4).
    """
    rotated = weight.flip(2, 3).transpose(0, 1)
    return F.avg_pool2d(F.pad(rotated, (1, 1, 1, 1)), 2, stride=1, divisor_override=1)


def subpixel_as_transposed(weight: Tensor) -> Tensor:
    """The weight of the ConvTranspose2d(k6, s2, p2) that equals conv3 (p1), then PixelShuffle(2).

    Each output phase uses the taps of one of the four filters, rotated by 180°.

    Args:
        weight: (4·out_channels, in_channels, 3, 3).

    Returns:
        (in_channels, out_channels, 6, 6).
    """
    return F.pixel_shuffle(weight.flip(2, 3).transpose(0, 1), 2)
