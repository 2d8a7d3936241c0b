"""The generator: latent → base x base → doubled until it is an image."""

from dataclasses import replace

from torch import Tensor, nn

from dcgan.checks import doublings
from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.networks.initialisation import initialise
from dcgan.networks.upsampling import upsampling_block

# What blocks outside `upsample.layers` are: they cannot make a grid (theory: ρ = 0).
RESIZE = UpsampleConfig(kind="resize", kernel_size=3, mode="nearest")


class Generator(nn.Module):
    """DCGAN's generator (Radford et al., 2016), with a choice of upsampling block.

    A transposed convolution projects the latent to base x base; each `up` block doubles the size
    and halves the channels. Batch norm and ReLU follow every layer but the last, which ends in
    tanh. Initialised from `seed`.

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
        base, num_blocks = doublings(image_size)
        selected = upsample.selected_layers(num_blocks)
        others = replace(RESIZE, padding_mode=upsample.padding_mode)
        self.size, self.upsample = size, upsample
        self.image_size, self.channels = image_size, channels
        self.latent_size = size.latent_size

        widths = [size.filters * 2 ** (num_blocks - 1 - i) for i in range(num_blocks)]
        layers: dict[str, nn.Module] = {
            "project": nn.ConvTranspose2d(size.latent_size, widths[0], base, bias=False),
            "norm0": nn.BatchNorm2d(widths[0]),
            "relu0": nn.ReLU(inplace=True),
        }
        inits = {}
        for i, width in enumerate(widths):
            choice = upsample if i in selected else others
            out_channels = widths[i + 1] if i + 1 < num_blocks else channels
            layers[f"up{i + 1}"] = upsampling_block(choice, width, out_channels)
            inits[f"layers.up{i + 1}"] = choice.init
            if i + 1 < num_blocks:
                layers[f"norm{i + 1}"] = nn.BatchNorm2d(out_channels)
                layers[f"relu{i + 1}"] = nn.ReLU(inplace=True)
        layers["tanh"] = nn.Tanh()
        self.layers = nn.Sequential()
        for name, layer in layers.items():
            self.layers.add_module(name, layer)
        initialise(self, seed, "generator", inits)

    def forward(self, latents: Tensor) -> Tensor:
        """(N, latent_size) standard normal to images (N, C, H, W) in [−1, 1]."""
        images: Tensor = self.layers(latents[:, :, None, None])
        return images
