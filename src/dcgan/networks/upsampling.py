"""The ways to double an image: transposed convolution, resize-convolution, sub-pixel convolution.

Every block maps (N, in_channels, H, W) to (N, out_channels, 2H, 2W) exactly. None has a bias: batch
norm follows in the generator, and after the last block DCGAN has none either.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.config import UpsampleConfig
from dcgan.convolution.stretch import triangular_kernel


def upsampling_block(config: UpsampleConfig, in_channels: int, out_channels: int) -> nn.Sequential:
    """Build the block that `config` describes; its weights are set by `initialise`.

    The block is a plain `nn.Sequential` of torch layers, so anything that inspects torch modules
    can read it.
    """
    k = config.kernel_size
    layers: list[nn.Module]
    if config.kind == "transposed":
        assert config.padding is not None
        assert config.output_padding is not None
        layers = [
            nn.ConvTranspose2d(
                in_channels,
                out_channels,
                k,
                stride=2,
                padding=config.padding,
                output_padding=config.output_padding,
                bias=False,
            )
        ]
    else:
        resize = config.kind == "resize"
        convolution = nn.Conv2d(
            in_channels,
            out_channels if resize else 4 * out_channels,
            k,
            padding=k // 2,
            padding_mode=cast(Any, config.padding_mode),  # checked by the config
            bias=False,
        )
        if resize:
            assert config.mode is not None
            layers = [nn.Upsample(scale_factor=2, mode=config.mode), convolution]
        else:
            layers = [convolution, nn.PixelShuffle(2)]
    if config.smooth:
        layers.append(Smooth(out_channels))
    return nn.Sequential(*layers)


class Smooth(nn.Module):
    """A fixed [1 2 1]/4 low-pass per channel and axis, edges reflected; shape is kept.

    It has its zero at the Nyquist frequency, where the period-2 grid of a doubling lies.
    """

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([0.25, 0.5, 0.25])
        kernel = torch.outer(taps, taps).expand(channels, 1, 3, 3).clone()
        # Not persistent: it never changes, so no file needs to carry it.
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H, W)."""
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel, groups=x.shape[1])


@torch.no_grad()
def initialise_block(block: nn.Module, init: str, std: float, random: torch.Generator) -> None:
    """Draw a block's weights: N(0, std) for each tap, shaped by `init`.

    normal: every tap on its own. icnr: the four sub-pixel filters of an output channel are equal,
    so the block starts as nearest-neighbour resizing of one convolution (Aitken et al., 2017).
    bilinear: every pair of channels is one N(0, std) number times the interpolation kernel (Long et
    al., 2015), scaled to the energy that k·k independent taps would have.
    """
    (weight,) = (p for p in block.parameters())
    if init == "bilinear":
        k = weight.shape[-1]
        taps = triangular_kernel(2, k).to(weight)
        kernel = torch.outer(taps, taps)
        mixing = torch.empty(*weight.shape[:2], 1, 1).normal_(0, std, generator=random)
        weight.copy_(mixing * kernel * (k / kernel.norm()))
    elif init == "icnr":
        filters = torch.empty(weight.shape[0] // 4, *weight.shape[1:])
        weight.copy_(filters.normal_(0, std, generator=random).repeat_interleave(4, dim=0))
    else:
        weight.normal_(0, std, generator=random)
