"""Images with labels, in a training and a test split."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dcgan.config import DataConfig
from dcgan.data.drawn import draw_digits
from dcgan.data.sources import DATA_SETS, find_source, fit_channels, read_split

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


def read_labeled(config: DataConfig, *, train: bool) -> Labeled:
    """Read one split.

    The training split of digits is what runs train on; the test split holds other drawings of the
    same 1,797 originals: held out as drawings, not as handwriting.

    Raises:
        UserError: the files are missing or damaged.
    """
    if config.num_images is not None:
        from sklearn.datasets import load_digits

        num_images = config.num_images if train else NUM_TEST_DIGITS
        images = draw_digits(num_images, config.image_size, "digits" if train else "test digits")
        labels = np.resize(load_digits().target.astype(np.int64), num_images)
    else:
        find_source(config)
        images, labels = read_split(config, train=train)
    images = fit_channels(images, config.channels)
    return Labeled(torch.from_numpy(images), torch.from_numpy(labels))
