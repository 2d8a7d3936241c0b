"""Check that a run fits into memory before any is allocated."""

from dataclasses import asdict

from dcgan.config import TrainConfig
from dcgan.memory import check_memory
from dcgan.networks.building import count_weights

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
    settings, g, d = asdict(config), config.generator, config.discriminator
    kernel = g.kernel_size or config.upsample.kernel_size
    check_memory(
        f"generator.filters={g.filters}, latent_size={g.latent_size}, kernel_size={kernel}",
        4 * COPIES_OF_G * count_weights(settings, "generator"),
    )
    check_memory(
        f"discriminator.filters={d.filters}",
        4 * COPIES_OF_D * count_weights(settings, "discriminator"),
    )
