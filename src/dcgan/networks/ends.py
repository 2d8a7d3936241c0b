"""The two layers of a DCGAN that are one matrix product each: latent to pixels, pixels to logit.

Both are convolutions whose kernel covers the whole image. As such they are stored, named and read;
as a product they are computed, which a CPU does several times as fast.
"""

from torch import Tensor, nn


class Projection(nn.ConvTranspose2d):
    """A transposed convolution of a single pixel, without bias."""

    def __init__(self, in_channels: int, out_channels: int, size: int) -> None:
        super().__init__(in_channels, out_channels, size, bias=False)

    def forward(
        self,
        latents: Tensor,
        output_size: list[int] | None = None,  # noqa: ARG002  (torch's signature)
    ) -> Tensor:
        """(N, in_channels, 1, 1) to (N, out_channels, k, k), channels last in memory."""
        weight = self.weight.permute(0, 2, 3, 1)
        pixels = latents.flatten(1) @ weight.flatten(1)
        return pixels.reshape(-1, *weight.shape[1:]).permute(0, 3, 1, 2)


class Readout(nn.Conv2d):
    """A convolution of an image that is as large as its kernel."""

    def __init__(self, in_channels: int, out_channels: int, size: int, *, bias: bool) -> None:
        super().__init__(in_channels, out_channels, size, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, k, k) to (N, out_channels, 1, 1)."""
        pixels, weight = (x.permute(0, 2, 3, 1).flatten(1) for x in (images, self.weight))
        return nn.functional.linear(pixels, weight, self.bias)[:, :, None, None]
