"""Claim 12: resize- and sub-pixel convolution are transposed convolutions."""

import torch
from torch.nn import functional as F

from dcgan.convolution.equivalence import resize_as_transposed, subpixel_as_transposed


def test_nearest_and_convolution_is_a_transposed_convolution_borders_included() -> None:
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64, generator=random)
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64, generator=random)
    resized = F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)
    transposed = F.conv_transpose2d(x, resize_as_transposed(weight), stride=2, padding=1)
    torch.testing.assert_close(transposed, resized, rtol=0, atol=1e-9)


def test_convolution_and_shuffle_is_a_transposed_convolution() -> None:
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(4 * 5, 3, 3, 3, dtype=torch.float64, generator=random)
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64, generator=random)
    shuffled = F.pixel_shuffle(F.conv2d(x, weight, padding=1), 2)
    transposed = F.conv_transpose2d(x, subpixel_as_transposed(weight), stride=2, padding=2)
    torch.testing.assert_close(transposed, shuffled, rtol=0, atol=1e-9)
