"""The discriminator halves an image until it is base x base, then outputs one logit."""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from dcgan.checkerboard.parametrization import Balanced, keep_balanced
from dcgan.config import DiscriminatorConfig, DownsampleConfig
from dcgan.config.settings import doublings
from dcgan.networks.upsampling import initialize


class Readout(nn.Conv2d):
    """A convolution whose kernel covers the whole image: base x base to one pixel.

    Computed as the equivalent matrix product, which is several times as fast on a CPU.
    """

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, k, k) to (N, out_channels, 1, 1)."""
        pixels = images.permute(0, 2, 3, 1).flatten(1)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)
        return nn.functional.linear(pixels, weight, self.bias)[:, :, None, None]


def downsampling_block(
    config: DownsampleConfig, in_channels: int, out_channels: int, bias: bool = False
) -> nn.Sequential:
    """Build a block from (N, in_channels, H, W) to (N, out_channels, H/2, W/2), H and W even."""
    k, strided = config.kernel_size, config.kind == "strided"
    convolution = nn.Conv2d(
        in_channels, out_channels, k, stride=2 if strided else 1, padding=(k - 1) // 2, bias=bias
    )
    return nn.Sequential(convolution, *([] if strided else [nn.AvgPool2d(2)]))


class Discriminator(nn.Module):
    """DCGAN's discriminator (Radford et al., 2016), with a choice of downsampling block.

    Each `down` block halves the size and doubles the channels, followed by LeakyReLU(0.2). Every
    block but the first has batch norm; with spectral or no normalization, all layers have biases
    instead. A final base x base convolution gives the logit. Initialized from `seed`.

    Raises:
        UserError: `image_size` is not base·2^L.
    """

    def __init__(
        self,
        size: DiscriminatorConfig,
        downsample: DownsampleConfig,
        *,
        image_size: int,
        channels: int,
        seed: int = 0,
    ) -> None:
        super().__init__()
        base, num_blocks = doublings(image_size)
        batch_norm = size.norm == "batch"
        widths = [channels, *(size.filters * 2**i for i in range(num_blocks))]
        self.layers = nn.Sequential()
        for i in range(1, num_blocks + 1):
            block = downsampling_block(downsample, widths[i - 1], widths[i], bias=not batch_norm)
            self.layers.add_module(f"down{i}", block)
            if batch_norm and i > 1:
                self.layers.add_module(f"norm{i}", nn.BatchNorm2d(widths[i]))
            self.layers.add_module(f"leaky{i}", nn.LeakyReLU(0.2, inplace=True))
        self.layers.add_module("logit", Readout(widths[-1], 1, base, bias=not batch_norm))
        initialize(self, seed, "discriminator")
        # A list, as parametrizations add modules. By hand: `balance` finds only upsampling layers.
        for layer in [m for m in self.layers.modules() if isinstance(m, nn.Conv2d)]:
            if downsample.balanced and max(layer.stride) > 1:
                kernel = Balanced(layer.kernel_size, layer.stride)
                keep_balanced(layer, kernel, keep_norm=True)
            if size.norm == "spectral":  # Miyato et al., 2018
                spectral_norm(layer)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) images in [−1, 1] to (N,); with the default loss logits, above 0: real."""
        logits: Tensor = self.layers(images).flatten()
        return logits
