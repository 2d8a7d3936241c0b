"""Real images to compare generated ones with."""

from torch import Tensor

from dcgan.config import DataConfig
from dcgan.data.labeled import has_labels, read_labeled
from dcgan.pictures import evenly_spread


def held_out(data: DataConfig, training_images: Tensor, at_most: int) -> Tensor:
    """At most so many images of the test split, (N, C, H, W) in [−1, 1].

    Where the data have no such split, images of the training set, evenly spread.

    Args:
        training_images: (N, C, H, W) uint8.

    Raises:
        UserError: the files are missing or damaged.
    """
    images = read_labeled(data, train=False).images if has_labels(data) else training_images
    return evenly_spread(images, at_most)
