"""Images that are read or drawn whole; most have labels, in a training and a test split."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets

from dcgan.config import DataConfig
from dcgan.data.drawn import draw_digits, draw_photos, draw_synthetic
from dcgan.data.sources import DATA_SETS, Images, find_source, fit_channels, root_of
from dcgan.errors import UserError, first_line

NUM_CLASSES = 10  # of every labeled source
NUM_TEST_DIGITS = 10_000


@dataclass(frozen=True)
class Labeled:
    """Images and what they show."""

    images: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,) int64, 0 … NUM_CLASSES − 1


def has_labels(config: DataConfig) -> bool:
    """Whether `read_labeled` can read this source."""
    return config.source == "digits" or config.source in DATA_SETS


def read_images(config: DataConfig) -> Images:
    """All training images of a drawn source or data set: (N, C, H, W) in the channels asked for."""
    if has_labels(config):
        return read_labeled(config, train=True).images.numpy()
    assert config.num_images is not None
    draw = draw_photos if config.source == "photos" else draw_synthetic
    return fit_channels(draw(config.num_images, config.image_size), config.channels)


def read_labeled(config: DataConfig, *, train: bool) -> Labeled:
    """Read one split, padded to size.

    The training split of digits is what runs train on; the test split holds other drawings of the
    same 1,797 originals: held out as drawings, not as handwriting.

    Raises:
        UserError: the files are missing or damaged.
    """
    if config.num_images is not None:
        from sklearn.datasets import load_digits

        num_images = config.num_images if train else NUM_TEST_DIGITS
        images = draw_digits(num_images, config.image_size, "digits" if train else "test digits")
        labels = np.resize(load_digits().target, num_images)
    else:
        find_source(config)
        data_set, root = DATA_SETS[config.source], root_of(config)
        try:
            data = getattr(datasets, data_set.name)(str(root), train=train)
        except Exception as error:  # torchvision has a type for every kind of damage
            raise UserError(
                f"data.root={root}: cannot read the {config.source} files there"
                f" ({first_line(error)})"
            ) from error
        images, labels = np.asarray(data.data), data.targets
        # MNIST comes as (N, H, W), CIFAR-10 as (N, H, W, C).
        images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
        sides = ((config.image_size - data_set.size) // 2,) * 2
        images = np.pad(images, ((0, 0), (0, 0), sides, sides))
    images = fit_channels(images, config.channels)
    return Labeled(torch.from_numpy(images), torch.as_tensor(labels, dtype=torch.int64))
