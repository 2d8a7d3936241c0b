"""What a trained discriminator looks for: units projected to pixels (Zeiler & Fergus, 2014)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dcgan.evaluation.heldout import read_run
from dcgan.networks.building import build_discriminator
from dcgan.pictures import evenly_spread

NUM_IMAGES = 512  # real images to search for those that activate a unit most


@dataclass(frozen=True)
class Unit:
    """One channel of one block, with the real images that activate it most."""

    layer: str
    channel: int
    images: Tensor  # (N, C, H, W) in [−1, 1]
    projections: Tensor  # (N, C, H, W): the part of each image that the unit responded to


def strongest_units(
    path: str | Path, units_per_layer: int = 4, images_per_unit: int = 6
) -> list[Unit]:
    """The channels of a checkpoint's discriminator that its training images activate most.

    Raises:
        UserError: the file is not a checkpoint, or its data have moved.
    """
    checkpoint, _, training = read_run(path)
    discriminator = build_discriminator(checkpoint["config"])
    discriminator.load_state_dict(checkpoint["discriminator"])
    images = evenly_spread(training, NUM_IMAGES)
    layers = discriminator.eval().requires_grad_(requires_grad=False).layers
    names = [name for name, _ in layers.named_children()]
    return [
        unit
        for depth, name in enumerate(names, start=1)
        if name.startswith("leaky")
        for unit in units_of(
            layers[:depth], name.replace("leaky", "down"), images, units_per_layer, images_per_unit
        )
    ]


def units_of(
    layers: nn.Sequential, name: str, images: Tensor, num_units: int, num_images: int
) -> list[Unit]:
    """The strongest channels of the last of `layers`, each projected back to pixels.

    Each image's largest activation is passed back through the transposes of the layers, with the
    slopes that the leaky ReLUs had for this image. Backpropagation does exactly this.
    """
    peaks = layers(images).flatten(2).amax(2)  # (N, channels)
    # Relative to the channel's usual value: a large scale alone means nothing.
    contrast = peaks.amax(0) / peaks.median(0).values.clamp_min(1e-6)
    units = []
    for channel in contrast.topk(min(num_units, len(contrast))).indices.tolist():
        strongest = peaks[:, channel].topk(min(num_images, len(images))).indices
        shown = images[strongest].requires_grad_()
        # max sends the gradient to one position; amax would share it among ties.
        peak = layers(shown)[:, channel].flatten(1).max(1).values
        (pushed,) = torch.autograd.grad(peak, shown, peak.detach())
        units.append(Unit(name, channel, shown.detach(), pushed))
    return units
