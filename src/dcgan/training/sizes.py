"""Check that a run fits into memory before any is allocated."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from dcgan.config import TrainConfig
from dcgan.memory import check_memory
from dcgan.networks import Discriminator, Generator

COPIES_OF_G = 5  # weights, gradients, Adam's two moments, EMA
COPIES_OF_D = 4


def check_sizes(config: TrainConfig) -> None:
    """Refuse a run that cannot fit into this machine's memory.

    Raises:
        UserError: the networks, a batch, the samples, or the images to generate or to score are
            too large.
    """
    data, trainer = config.data, config.trainer
    numbers = data.channels * data.image_size**2  # in one image
    for name, value, size in (
        ("data.num_images", data.num_images or 0, 1),
        ("trainer.batch_size", trainer.batch_size, 4),
        ("trainer.num_samples", trainer.num_samples, 4),
        ("trainer.checkerboard_images", trainer.checkerboard_images, 8),
        ("trainer.fid_images", trainer.fid_images if trainer.fid_every else 0, 8),
    ):
        check_memory(f"{name}={value}", value * size * numbers)
    shape = {"image_size": data.image_size, "channels": data.channels}
    # Unbalanced layers are as large as balanced ones, which cannot be built on the meta device.
    free, strided = replace(config.upsample, balanced=0), replace(config.downsample, balanced=False)
    g, d = config.generator, config.discriminator
    kernel = g.kernel_size or free.kernel_size
    check_memory(
        f"generator.filters={g.filters}, latent_size={g.latent_size}, kernel_size={kernel}",
        4 * COPIES_OF_G * _count_weights(lambda: Generator(g, free, **shape)),
    )
    check_memory(
        f"discriminator.filters={d.filters}",
        4 * COPIES_OF_D * _count_weights(lambda: Discriminator(d, strided, **shape)),
    )


def _count_weights(build: Callable[[], nn.Module]) -> float:
    try:
        with torch.device("meta"):  # shapes only, no memory
            return sum(weight.numel() for weight in build().parameters())
    except RuntimeError as error:
        if "overflow" not in str(error):
            raise
        return math.inf  # overflows 64 bits
