"""The discriminator: image → halved until base x base → one logit."""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from dcgan.checks import doublings
from dcgan.config import DiscriminatorConfig, DownsampleConfig
from dcgan.networks.ends import Readout
from dcgan.networks.initialisation import initialise


def downsampling_block(
    config: DownsampleConfig, in_channels: int, out_channels: int, bias: bool = False
) -> nn.Sequential:
    """A block that maps (N, in_channels, H, W) to (N, out_channels, H/2, W/2), H and W even."""
    k = config.kernel_size
    strided = config.kind == "strided"
    convolution = nn.Conv2d(
        in_channels,
        out_channels,
        k,
        stride=2 if strided else 1,
        padding=(k - 1) // 2,
        bias=bias,
    )
    return nn.Sequential(convolution, *([] if strided else [nn.AvgPool2d(2)]))


class Discriminator(nn.Module):
    """DCGAN's discriminator (Radford et al., 2016), with a choice of downsampling block.

    Each `down` block halves the size and doubles the channels. Batch norm in every block but the
    first (or biases, with spectral normalisation or none), LeakyReLU(0.2), and a last base x base
    convolution to the logit. Initialised from `seed`.

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
        self.layers = nn.Sequential()
        batch = size.norm == "batch"
        in_channels = channels
        for i in range(num_blocks):
            out_channels = size.filters * 2**i
            block = downsampling_block(downsample, in_channels, out_channels, bias=not batch)
            self.layers.add_module(f"down{i + 1}", block)
            if batch and i > 0:
                self.layers.add_module(f"norm{i + 1}", nn.BatchNorm2d(out_channels))
            self.layers.add_module(f"leaky{i + 1}", nn.LeakyReLU(0.2, inplace=True))
            in_channels = out_channels
        self.layers.add_module("logit", Readout(in_channels, 1, base, bias=not batch))
        initialise(self, seed, "discriminator", {})
        if size.norm == "spectral":  # Miyato et al., 2018
            for layer in [m for m in self.layers.modules() if isinstance(m, nn.Conv2d)]:
                spectral_norm(layer)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) images in [−1, 1] to (N,) logits: above 0 means real."""
        logits: Tensor = self.layers(images).flatten()
        return logits
