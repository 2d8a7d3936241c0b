"""The classes and the test split of a source, which evaluation needs and training does not.

A folder of images may have them too: ROOT/CLASS/…, or ROOT/train/CLASS/… and ROOT/test/CLASS/….
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dcgan.config import DataConfig
from dcgan.data.folders import class_folders, shown, split_folders
from dcgan.data.labeled import NUM_CLASSES, Labeled, is_labeled_set, read_labeled_set
from dcgan.data.preparation import prepare
from dcgan.data.sources import find_source
from dcgan.errors import UserError
from dcgan.files import expand

ONE_IN = 10  # labeled images without a test split: the share on which a classifier is tested


def num_classes(config: DataConfig) -> int:
    """How many classes the source has; 0 if it has no labels. See `class_folders`."""
    if config.source == "folder":
        return len(class_folders(_folders(config)[0]))
    return NUM_CLASSES if is_labeled_set(config) else 0


def class_sizes(config: DataConfig) -> dict[str, int]:
    """How many files each class of a folder has; empty for other sources."""
    if config.source != "folder":
        return {}
    folder = _folders(config)[0]
    return dict(Counter(path.relative_to(folder).parts[0] for path in find_source(config)[1]))


def has_test_split(config: DataConfig) -> bool:
    """Whether there are images that no run trains on."""
    if config.source == "folder":
        return _folders(config)[1] is not None
    return is_labeled_set(config)


def read_test_images(config: DataConfig) -> torch.Tensor:
    """The images of the test split, which must exist: (N, C, H, W) uint8.

    Raises:
        UserError: the files are missing or damaged.
    """
    if is_labeled_set(config):
        return read_labeled_set(config, train=False).images
    return prepare(replace(config, root=str(_folders(config)[1]))).open()


def read_labeled(config: DataConfig, *, train: bool) -> Labeled:
    """Read the images and labels of one split; without a test split, every tenth image is in it.

    Raises:
        UserError: the files are missing or damaged, or the splits have different classes.
    """
    if is_labeled_set(config):
        return read_labeled_set(config, train=train)
    training, test = _folders(config)
    classes = class_folders(training)
    if test is None:
        data = _read_classes(config, training, classes)
        rows = np.arange(len(data.images)) % ONE_IN != 0
        return Labeled(data.images[rows == train], data.labels[rows == train])
    if (others := class_folders(test)) != classes:
        raise UserError(
            f"data.root={shown(test)}: has the classes {', '.join(others) or 'none'}; must be those"
            f" of {shown(training)}: {', '.join(classes)}"
        )
    if train:
        return _read_classes(config, training, classes)
    return _read_classes(replace(config, root=str(test)), test, classes)


def _folders(config: DataConfig) -> tuple[Path, Path | None]:
    """Where the training and the test images of a folder are."""
    assert config.root is not None
    return split_folders(expand(config.root))


def _read_classes(config: DataConfig, folder: Path, classes: list[str]) -> Labeled:
    """The images that `config` names, all of them below `folder`, with their classes."""
    prepared = prepare(config)
    labels = [classes.index(path.relative_to(folder).parts[0]) for path in prepared.files]
    images = prepared.open()
    assert len(images) == len(labels)
    return Labeled(images, torch.tensor(labels))
