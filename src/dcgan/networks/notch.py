"""A filter that removes a checkerboard of period 2."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.convolution.balance import notch_taps


class Notch(nn.Module):
    """A fixed depthwise filter that removes a checkerboard of period 2; reflection padding.

    Args:
        order: m of `notch_taps`; 1 is the [1 2 1]/4 low-pass, higher orders change images less.
    """

    kernel: Tensor

    def __init__(self, channels: int, order: int = 1) -> None:
        super().__init__()
        taps = notch_taps(order).float()
        kernel = torch.outer(taps, taps).expand(channels, 1, -1, -1).clone()
        # Not persistent: it never changes, so files do not need it.
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H, W), H and W greater than `order`."""
        padded = F.pad(x, (self.kernel.shape[-1] // 2,) * 4, mode="reflect")
        return F.conv2d(padded, self.kernel, groups=x.shape[1])
