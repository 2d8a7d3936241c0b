"""Torch parametrizations that keep a layer's weights balanced during training."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from dcgan.convolution.balance import balancing_projection


class Balanced(nn.Module):
    """Replaces a weight, whose last axes are the kernel, by its nearest balanced kernel.

    For ConvTranspose1d/2d/3d with any groups, and for strided convolutions, whose input gradient is
    a transposed convolution with the same kernel. Gradients pass through the projection, so the
    weight stays balanced whatever the optimizer does.

    Args:
        kernel_size, stride, dilation, order: see `balancing_projection`.

    Raises:
        ValueError: see `balancing_projection`.
    """

    projection: Tensor

    def __init__(
        self,
        kernel_size: Sequence[int],
        stride: Sequence[int],
        dilation: Sequence[int] | None = None,
        order: int = 1,
    ) -> None:
        super().__init__()
        projection = balancing_projection(kernel_size, stride, dilation, order)
        # Not saved: it can be recomputed from the layer.
        self.register_buffer("projection", projection, persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """(…, *kernel_size) to the same shape."""
        # In bfloat16 the gains would agree to only three digits; float64 is several times slower.
        projection = self.projection.to(torch.promote_types(weight.dtype, torch.float32))
        taps = weight.flatten(2).to(projection.dtype)
        with torch.autocast(weight.device.type, enabled=False):
            if weight.is_contiguous():
                taps = taps @ projection
            else:  # channels-last; the same from the other side, so that nothing is copied
                taps = (projection @ taps.transpose(1, 2)).transpose(1, 2)
        balanced: Tensor = taps.unflatten(2, weight.shape[2:]).to(weight.dtype)
        return balanced

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is stored when a weight is set: its balanced part."""
        return self.forward(weight)


class BalancedSubpixel(Balanced):
    """The same for the weight of a convolution before PixelShuffle(scale).

    Together, the two are a transposed convolution of kernel scale·k and stride scale, with one
    filter per phase. Order 1: the scale² filters of an output channel have equal sums.
    """

    def __init__(self, kernel_size: Sequence[int], scale: int, order: int = 1) -> None:
        super().__init__([scale * k for k in kernel_size], [scale] * 2, order=order)
        self._phases = scale**2
        # Maps the filters' taps to those of the transposed convolution.
        filters = torch.arange(len(self.projection)).reshape(1, -1, *kernel_size)
        taps = F.pixel_shuffle(filters.flip(2, 3), scale).flatten().argsort()
        self.projection = self.projection[taps][:, taps]

    def forward(self, weight: Tensor) -> Tensor:
        """(scale²·out_channels, in_channels, k, k) to the same shape."""
        filters = weight.unflatten(0, (-1, self._phases)).transpose(1, 2)
        return super().forward(filters).transpose(1, 2).flatten(0, 1)


class EqualBiases(nn.Module):
    """Makes the biases of a convolution before PixelShuffle(scale) equal across phases."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self._phases = scale**2

    def forward(self, bias: Tensor) -> Tensor:
        """(scale²·out_channels,) to the same shape: the mean of each output channel."""
        by_channel: Tensor = bias.unflatten(0, (-1, self._phases))
        return by_channel.mean(1).repeat_interleave(self._phases)

    right_inverse = forward  # what is stored when a bias is set


@torch.no_grad()
def keep_balanced(
    convolution: nn.Module, weight: Balanced, bias: EqualBiases | None = None, *, keep_norm: bool
) -> None:
    """Parametrize a layer so that its weight is always balanced.

    Args:
        bias: for a layer before a pixel shuffle; used if the layer has a bias.
        keep_norm: rescale the balanced weight to the norm it had before. The projection removes
            part of the variance of random weights; this restores it, so that the taps of an
            untrained layer keep their variance on average.

    Raises:
        ValueError: the layer's weight is not one of its own parameters.
    """
    free = torch.as_tensor(convolution.weight)
    norm = free.norm()
    weight.to(free.device, torch.promote_types(free.dtype, torch.float32))
    parametrize.register_parametrization(convolution, "weight", weight)
    balanced = torch.as_tensor(convolution.weight)
    if keep_norm and balanced.any():
        convolution.weight = balanced * (norm / balanced.norm())
    if bias is not None and convolution.bias is not None:
        parametrize.register_parametrization(convolution, "bias", bias)


def make_plain(layer: nn.Module, name: str = "weight") -> None:
    """Turn a layer's parametrized tensor into an ordinary parameter with its current value.

    Copies of the layer stay parametrized: torch's own function modifies a class that copies share
    with the original, so the layer first gets a class of its own.
    """
    shared = type(layer)
    members = {k: v for k, v in vars(shared).items() if k not in ("__dict__", "__weakref__")}
    layer.__class__ = type(shared.__name__, shared.__bases__, members)
    parametrize.remove_parametrizations(layer, name)
