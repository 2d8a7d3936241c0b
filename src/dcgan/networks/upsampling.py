"""Upsampling blocks, which double height and width, and the initialization of both networks.

Every upsampling block maps (N, in_channels, H, W) to (N, out_channels, 2H, 2W). None has a bias:
batch norm would cancel it. (The last block, which has no batch norm, has none either, as in DCGAN.)
"""

import torch
from torch import nn

from dcgan.config import UpsampleConfig
from dcgan.convolution import doubling_padding, triangular_kernel
from dcgan.networks.notch import Notch
from dcgan.seeding import stream

STD = 0.02  # Radford, Metz & Chintala, 2016: all weights from N(0, 0.02)


class UpsamplingBlock(nn.Sequential):
    """A sequence of standard torch layers, which any tool that inspects modules understands."""

    def __init__(self, *layers: nn.Module, init: str) -> None:
        super().__init__(*layers)
        self.init = init  # see `initialize_block`


def upsampling_block(
    config: UpsampleConfig, in_channels: int, out_channels: int
) -> UpsamplingBlock:
    """Build the block that `config` describes; `initialize` sets its weights."""
    layers: list[nn.Module]
    if config.kind == "transposed":
        k = config.kernel_size
        sizes = (k, 2, *doubling_padding(k))  # kernel_size, stride, padding, output_padding
        layers = [nn.ConvTranspose2d(in_channels, out_channels, *sizes, bias=False)]
    else:
        resizes = config.kind == "resize"
        convolution = nn.Conv2d(
            in_channels,
            out_channels if resizes else 4 * out_channels,
            config.kernel_size,
            padding=config.kernel_size // 2,
            padding_mode=config.padding_mode,
            bias=False,
        )
        if resizes:
            layers = [nn.Upsample(scale_factor=2, mode=config.mode or "nearest"), convolution]
        else:
            layers = [convolution, nn.PixelShuffle(2)]
    if config.smooth:
        layers.append(Notch(out_channels))  # a fixed [1 2 1]/4 filter, without parameters
    return UpsamplingBlock(*layers, init=config.init)


@torch.no_grad()
def initialize(network: nn.Module, seed: int, purpose: str) -> None:
    """Initialize weights from N(0, 0.02), batch norm scales from N(1, 0.02), biases with 0.

    A layer's values depend only on `seed`, `purpose` and the layer's name, so networks that differ
    in one layer agree in all others.
    """
    in_blocks: set[nn.Module] = set()  # initialized with their block, which comes first
    for name, layer in network.named_modules():
        random = stream(seed, purpose, name)
        if isinstance(layer, UpsamplingBlock):
            initialize_block(layer, random)
            in_blocks.update(layer)
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer not in in_blocks:
            layer.weight.normal_(0, STD, generator=random)
            if layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1, STD, generator=random)
            layer.bias.zero_()


def initialize_block(block: UpsamplingBlock, random: torch.Generator) -> None:
    """Initialize the block's one weight with standard deviation 0.02, in the way `init` names.

    normal: all taps are independent.
    icnr: the four sub-pixel filters of an output channel are equal, so the block starts as a
    convolution followed by nearest-neighbor resizing (Aitken et al., 2017).
    bilinear: each pair of channels has the interpolation kernel times one random number (Long et
    al., 2015). Its norm is k, the root-mean-square norm of k·k independent taps of variance 1.
    """
    (weight,) = block.parameters()
    if block.init == "bilinear":
        k = weight.shape[-1]
        taps = triangular_kernel(2, k).to(weight)
        kernel = torch.outer(taps, taps)
        mixing = torch.empty(*weight.shape[:2], 1, 1).normal_(0, STD, generator=random)
        weight.copy_(mixing * kernel * (k / kernel.norm()))
    elif block.init == "icnr":
        filters = torch.empty(weight.shape[0] // 4, *weight.shape[1:])
        weight.copy_(filters.normal_(0, STD, generator=random).repeat_interleave(4, dim=0))
    else:
        weight.normal_(0, STD, generator=random)
