"""The generator: latent → base x base → doubled until it is an image; or flat, without doubling."""

import math
from dataclasses import replace
from itertools import pairwise

from torch import Tensor, nn

from dcgan.checks import doublings
from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.networks.ends import Projection
from dcgan.networks.initialisation import initialise
from dcgan.networks.upsampling import upsampling_block

# What blocks outside `upsample.layers` are: they cannot make a grid (theory: ρ = 0).
RESIZE = UpsampleConfig(kind="resize", kernel_size=3, mode="nearest")


class Generator(nn.Module):
    """DCGAN's generator (Radford et al., 2016), with a choice of upsampling block.

    A transposed convolution projects the latent to base x base; each `up` block doubles the size
    and halves the channels. Flat, the latent is one number a pixel, and every layer a transposed
    convolution of stride 1; `upsample` has no effect then. Batch norm and ReLU follow every layer
    but the last, which ends in tanh. Initialised from `seed`.

    Raises:
        UserError: `image_size` is not base·2^L, or `upsample.layers` names a missing block.
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
        self.layers = nn.Sequential()
        inits: dict[str, str] = {}
        if size.kind == "flat":
            self.latent_shape = (1, image_size, image_size)
            self._add_flat_layers()
        else:
            assert size.latent_size is not None
            self.latent_shape = (size.latent_size, 1, 1)
            inits = self._add_doubling_layers(size.latent_size)
        self.layers.add_module("tanh", nn.Tanh())
        initialise(self, seed, "generator", inits)

    @property
    def latent_size(self) -> int:
        """How many numbers one image is made from."""
        return math.prod(self.latent_shape)

    def _add_doubling_layers(self, latent_size: int) -> dict[str, str]:
        """Return the name of each upsampling block → its `init`."""
        base, num_blocks = doublings(self.image_size)
        selected = self.upsample.selected_layers(num_blocks)
        others = replace(RESIZE, padding_mode=self.upsample.padding_mode)
        widths = [self.size.filters * 2 ** (num_blocks - 1 - i) for i in range(num_blocks)]
        project = Projection(latent_size, widths[0], base)
        self.layers.add_module("project", project)
        self._add_norm(0, widths[0])
        inits: dict[str, str] = {}
        for i, (width, out_channels) in enumerate(pairwise([*widths, self.channels]), start=1):
            choice = self.upsample if i - 1 in selected else others
            self.layers.add_module(f"up{i}", upsampling_block(choice, width, out_channels))
            inits[f"layers.up{i}"] = choice.init
            if i < num_blocks:
                self._add_norm(i, out_channels)
        return inits

    def _add_flat_layers(self) -> None:
        k, num_layers = self.size.kernel_size, self.size.num_layers
        assert k is not None
        assert num_layers is not None
        widths = [1, *[self.size.filters] * (num_layers - 1), self.channels]
        for i, (width, out_channels) in enumerate(pairwise(widths), start=1):
            layer = nn.ConvTranspose2d(width, out_channels, k, padding=k // 2, bias=False)
            self.layers.add_module(f"flat{i}", layer)
            if i < num_layers:
                self._add_norm(i, out_channels)

    def _add_norm(self, number: int, channels: int) -> None:
        self.layers.add_module(f"norm{number}", nn.BatchNorm2d(channels))
        self.layers.add_module(f"relu{number}", nn.ReLU(inplace=True))

    def forward(self, latents: Tensor) -> Tensor:
        """(N, latent_size) standard normal to images (N, C, H, W) in [−1, 1]."""
        images: Tensor = self.layers(latents.reshape(-1, *self.latent_shape))
        return images
