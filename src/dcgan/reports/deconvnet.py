"""What a trained discriminator looks for: units pushed to the pixels (Zeiler & Fergus, 2014)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.data.batches import evenly_spread
from dcgan.evaluation.heldout import read_run
from dcgan.networks.saved import build_discriminator

NUM_IMAGES = 512  # real images among which those that fire a unit most are found


@dataclass(frozen=True)
class Unit:
    """One channel of one block, with the real images that fire it most."""

    layer: str
    channel: int
    images: Tensor  # (N, C, H, W) in [−1, 1]
    projections: Tensor  # (N, C, H, W): what of each image the unit answered


def strongest_units(
    path: str | Path, units_per_layer: int = 4, images_per_unit: int = 6
) -> list[Unit]:
    """The channels of a checkpoint's discriminator that fire most on its own training images.

    Raises:
        UserError: the file is no checkpoint, or its data are not where they were.
    """
    checkpoint, _, training = read_run(path)
    discriminator = build_discriminator(checkpoint["config"])
    discriminator.load_state_dict(checkpoint["discriminator"])
    images = evenly_spread(training, NUM_IMAGES)
    layers = discriminator.eval().layers
    names = [name for name, _ in layers.named_children() if name.startswith("leaky")]
    return [
        unit
        for name in names
        for unit in _units_of(layers, name, images, units_per_layer, images_per_unit)
    ]


@torch.no_grad()
def _units_of(
    layers: nn.Sequential, name: str, images: Tensor, num_units: int, num_images: int
) -> list[Unit]:
    below = list(layers.named_children())
    below = below[: [child for child, _ in below].index(name) + 1]
    inputs, signal = [], images
    for _, layer in below:
        inputs.append(signal.clone())  # LeakyReLU works in place
        signal = layer(signal)
    peaks = signal.flatten(2).max(2).values  # (N, channels)
    # Strong compared with what the channel usually gives: a large scale alone is no discovery.
    contrast = peaks.max(0).values / peaks.median(0).values.clamp_min(1e-6)
    units = []
    for channel in contrast.topk(min(num_units, len(contrast))).indices.tolist():
        top = peaks[:, channel].topk(min(num_images, len(images))).indices
        only = torch.zeros_like(signal[top])
        flat, answers = only[:, channel].flatten(1), signal[top, channel].flatten(1)
        place = answers.argmax(1, keepdim=True)
        only[:, channel] = flat.scatter(1, place, answers.gather(1, place)).view_as(
            only[:, channel]
        )
        pushed = push_back([layer for _, layer in below], [x[top] for x in inputs], only)
        units.append(Unit(name.replace("leaky", "down"), channel, images[top], pushed))
    return units


@torch.no_grad()
def push_back(layers: Sequence[nn.Module], inputs: Sequence[Tensor], signal: Tensor) -> Tensor:
    """Send a signal down through the transposes of `layers`, last first.

    A convolution's transpose is conv_transpose with the same weight; an average pooling's shares
    each number out; batch norm scales; a leaky ReLU has the slope that it had for its input, the
    recorded switch. So the result is the input's gradient of ⟨layers(x), signal⟩.

    Args:
        inputs: what each layer was given.
    """
    for layer, given in zip(reversed(layers), reversed(inputs), strict=True):
        signal = _transpose(layer, given, signal)
    return signal


def _transpose(layer: nn.Module, given: Tensor, signal: Tensor) -> Tensor:
    if isinstance(layer, nn.Sequential):  # a downsampling block
        inputs = [given]
        for part in layer[:-1]:
            inputs.append(part(inputs[-1]))
        return push_back(list(layer), inputs, signal)
    if isinstance(layer, nn.LeakyReLU):
        slope: float = layer.negative_slope
        return torch.where(given > 0, signal, slope * signal)
    if isinstance(layer, nn.BatchNorm2d):
        assert layer.running_var is not None
        scale = layer.weight / (layer.running_var + layer.eps).sqrt()
        return signal * scale[:, None, None]
    if isinstance(layer, nn.AvgPool2d):
        return F.interpolate(signal, size=given.shape[-2:]) / 4
    assert isinstance(layer, nn.Conv2d)
    stride, padding = tuple(layer.stride), tuple(map(int, layer.padding))
    axes = zip(given.shape[-2:], padding, layer.kernel_size, stride, strict=True)
    rest = [(size + 2 * p - k) % s for size, p, k, s in axes]
    return F.conv_transpose2d(signal, layer.weight, None, stride, padding, rest)
