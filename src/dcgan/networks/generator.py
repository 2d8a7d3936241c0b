"""The generator projects a latent to base x base, then doubles it until it is an image.

A flat generator works at full resolution in every layer, without upsampling.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from dcgan.checkerboard.cure import balance
from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.config.settings import doublings
from dcgan.networks.notch import Notch
from dcgan.networks.upsampling import initialize, upsampling_block

# For blocks that `upsample.layers` does not select: resizing leaves no checkerboard.
RESIZE = UpsampleConfig(kind="resize", kernel_size=3, mode="nearest")


class Projection(nn.ConvTranspose2d):
    """A transposed convolution of a single pixel, without bias: one pixel to base x base.

    Computed as the equivalent matrix product, which is several times as fast on a CPU.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int) -> None:
        super().__init__(in_channels, out_channels, size, bias=False)

    def forward(self, latents: Tensor) -> Tensor:  # type: ignore[override]
        """(N, in_channels, 1, 1) to (N, out_channels, k, k), channels-last."""
        weight = self.weight.permute(0, 2, 3, 1)
        pixels = latents.flatten(1) @ weight.flatten(1)
        return pixels.reshape(-1, *weight.shape[1:]).permute(0, 3, 1, 2)


class Generator(nn.Module):
    """DCGAN's generator (Radford et al., 2016), with a choice of upsampling block.

    A transposed convolution projects the latent to base x base; each `up` block doubles the size
    and halves the channels (the last makes the image's). A flat generator has one latent number per
    pixel, and every layer is a transposed convolution of stride 1; `upsample` then has no effect.
    Every layer is followed by batch norm and ReLU, the last by tanh. Initialized from `seed`.

    Raises:
        UserError: `image_size` is not base·2^L, or `upsample.layers` names a block that the
            generator does not have.
    """

    def __init__(
        self,
        size: GeneratorConfig,
        upsample: UpsampleConfig,
        *,
        image_size: int,
        channels: int,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.size, self.upsample = size, upsample
        self.image_size, self.channels = image_size, channels
        flat = size.kind == "flat"
        self.latent_shape = (1, image_size, image_size) if flat else (size.latent_size or 0, 1, 1)
        self.latent_size = math.prod(self.latent_shape)  # latent numbers per image
        layers = list(self._flat_layers() if flat else self._doubling_layers())
        self.layers = nn.Sequential()
        for i, (name, layer, out_channels) in enumerate(layers, start=int(flat)):
            self.layers.add_module(name, layer)
            if name != layers[-1][0]:
                self.layers.add_module(f"norm{i}", nn.BatchNorm2d(out_channels))
                self.layers.add_module(f"relu{i}", nn.ReLU(inplace=True))
        self.layers.add_module("tanh", nn.Tanh())
        if size.notch:
            self.layers.add_module("notch", Notch(channels, size.notch))
        initialize(self, seed, "generator")
        if upsample.balanced and not flat:
            balance(self, order=upsample.balanced, keep_norm=True)

    def _doubling_layers(self) -> Iterator[tuple[str, nn.Module, int]]:
        """Name, module and output channels of each layer with weights."""
        base, num_blocks = doublings(self.image_size)
        selected = self.upsample.selected_layers(num_blocks)
        others = replace(RESIZE, padding_mode=self.upsample.padding_mode)
        widths = [self.size.filters * 2 ** (num_blocks - 1 - i) for i in range(num_blocks)]
        yield "project", Projection(self.latent_size, widths[0], base), widths[0]
        for i, (width, out_channels) in enumerate(pairwise([*widths, self.channels])):
            choice = self.upsample if i in selected else others
            yield f"up{i + 1}", upsampling_block(choice, width, out_channels), out_channels

    def _flat_layers(self) -> Iterator[tuple[str, nn.Module, int]]:
        k, num_layers = cast(int, self.size.kernel_size), cast(int, self.size.num_layers)
        widths = [1, *[self.size.filters] * (num_layers - 1), self.channels]
        for i, (width, out_channels) in enumerate(pairwise(widths)):
            layer = nn.ConvTranspose2d(width, out_channels, k, padding=k // 2, bias=False)
            yield f"flat{i + 1}", layer, out_channels

    def forward(self, latents: Tensor) -> Tensor:
        """(N, latent_size) standard normal to images (N, C, H, W) in [−1, 1].

        A notch of order 2 or more can exceed this range at edges.
        """
        images: Tensor = self.layers(latents.reshape(-1, *self.latent_shape))
        return images
