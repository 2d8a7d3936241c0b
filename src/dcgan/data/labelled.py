"""Images with labels, in a training and a test split."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.config import DataConfig
from dcgan.data.drawn import draw_digits, labels_of_digits
from dcgan.data.sources import fit_channels
from dcgan.data.torchvision_sets import DATA_SETS, find_files, read_split

NUM_CLASSES = 10  # of every labelled source
NUM_TEST_DIGITS = 10_000


@dataclass(frozen=True)
class Labelled:
    """Images and what they show."""

    images: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,) int64, 0 … NUM_CLASSES − 1


def has_labels(config: DataConfig) -> bool:
    """Whether `read_labelled` can read this source."""
    return config.source == "digits" or config.source in DATA_SETS


def read_labelled(config: DataConfig, *, train: bool) -> Labelled:
    """Read one split.

    Of digits the training split is what runs train on, and the test split other drawings of the
    same 1,797 originals: held out as drawings, not as handwriting.

    Raises:
        UserError: the files are missing or damaged.
    """
    if config.source == "digits":
        assert config.num_images is not None
        num_images = config.num_images if train else NUM_TEST_DIGITS
        images = draw_digits(num_images, config.image_size, "digits" if train else "test digits")
        labels = labels_of_digits(num_images)
    else:
        find_files(config)
        images, labels = read_split(config, train=train)
    fitted = fit_channels(images, config.channels)
    return Labelled(torch.from_numpy(fitted), torch.from_numpy(labels))
