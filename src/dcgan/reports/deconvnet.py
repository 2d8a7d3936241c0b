"""What a trained discriminator looks for: units pushed to the pixels (Zeiler & Fergus, 2014)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dcgan.evaluation.heldout import read_run
from dcgan.networks.saved import build_discriminator
from dcgan.pictures import evenly_spread

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
    return [
        unit
        for i, (name, _) in enumerate(layers.named_children())
        if name.startswith("leaky")
        for unit in _units(
            layers[: i + 1], name.replace("leaky", "down"), images, units_per_layer, images_per_unit
        )
    ]


def _units(
    layers: nn.Sequential, name: str, images: Tensor, num_units: int, num_images: int
) -> list[Unit]:
    with torch.no_grad():
        peaks = layers(images).flatten(2).max(2).values  # (N, channels)
    # Strong compared with what the channel usually gives: a large scale alone is no discovery.
    contrast = peaks.max(0).values / peaks.median(0).values.clamp_min(1e-6)
    units = []
    for channel in contrast.topk(min(num_units, len(contrast))).indices.tolist():
        top = images[peaks[:, channel].topk(min(num_images, len(images))).indices]
        units.append(Unit(name, channel, top, push_back(layers, channel, top)))
    return units


def push_back(layers: nn.Sequential, channel: int, images: Tensor) -> Tensor:
    """Each image's strongest answer of one channel, sent down through the layers' transposes.

    A convolution's transpose is conv_transpose with the same weight, an average pooling's shares
    each number out, batch norm scales, and a leaky ReLU has the slope that it had for its input
    (the recorded switch). That is the gradient of half the answer's square.
    """
    images = images.detach().requires_grad_()
    answers = layers(images)[:, channel].flatten(1).max(1).values
    (pushed,) = torch.autograd.grad(answers.square().sum() / 2, images)
    return pushed
