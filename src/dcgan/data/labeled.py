"""Sources that are read or generated as a whole; most have labels and a test split."""

import errno
import gzip
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets

from dcgan.config import DataConfig
from dcgan.data.decoding import Images
from dcgan.data.drawn import draw_digits, draw_photos, draw_synthetic
from dcgan.data.published import DATA_SETS, DataSet
from dcgan.data.sources import find_source, fit_channels
from dcgan.errors import MachineError, UserError, cannot_read, first_line
from dcgan.files import cannot_write

NUM_CLASSES = 10  # of every data set
NUM_TEST_DIGITS = 10_000
DRAWN = {"photos": draw_photos, "synthetic": draw_synthetic}  # without labels


@dataclass(frozen=True)
class Labeled:
    """Images and their labels."""

    images: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,) int64, from 0 on


def is_labeled_set(config: DataConfig) -> bool:
    """Whether `read_labeled_set` can read this source."""
    return config.source == "digits" or config.source in DATA_SETS


def read_images(config: DataConfig) -> Images:
    """All training images of a generated source or a data set: (N, C, H, W) uint8."""
    if is_labeled_set(config):
        return read_labeled_set(config, train=True).images.numpy()
    assert config.num_images is not None
    images = DRAWN[config.source](config.num_images, config.image_size)
    return fit_channels(images, config.channels)


def read_labeled_set(config: DataConfig, *, train: bool) -> Labeled:
    """Read one split, padded to `config.image_size`.

    Runs train on the training split of digits. Its test split has other transforms of the same
    1,797 originals, so the handwriting itself is not held out.

    Raises:
        UserError: the files are missing or damaged.
    """
    if config.num_images is not None:
        from sklearn.datasets import load_digits

        num_images = config.num_images if train else NUM_TEST_DIGITS
        images = draw_digits(num_images, config.image_size, "digits" if train else "test digits")
        labels = torch.from_numpy(np.resize(load_digits().target, num_images))
    else:
        _, paths = find_source(config)
        data_set = DATA_SETS[config.source]
        try:
            images, labels = _read_files(data_set, paths, train=train)
        except MachineError:
            raise
        except Exception as error:  # torchvision raises many types for damaged files
            if fault := cannot_read(paths[0].parent, error):
                raise fault from error
            raise UserError(
                f"data.root={config.root}: cannot read the {config.source} files in"
                f" {paths[0].parent} ({first_line(error)})"
            ) from error
        sides = ((config.image_size - data_set.size) // 2,) * 2
        images = np.pad(images, ((0, 0), (0, 0), sides, sides))
    images = fit_channels(images, config.channels)
    return Labeled(torch.from_numpy(images), labels.to(torch.int64))


def _read_files(data_set: DataSet, paths: list[Path], *, train: bool) -> tuple[Images, Tensor]:
    """Read one split with torchvision: (N, C, size, size) uint8 images, (N,) labels."""
    with _unpacked(data_set, paths) as folder:
        reader: Any = getattr(datasets, data_set.name)
        # Where torchvision looks for MNIST's and for CIFAR-10's files.
        places = {"raw_folder": str(folder), "base_folder": str(folder)}
        data = type(data_set.name, (reader,), places)(str(folder), train=train)
    images, labels = np.asarray(data.data), torch.as_tensor(data.targets)
    # MNIST is (N, H, W), CIFAR-10 (N, H, W, C).
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    if images.shape[2:] != (data_set.size,) * 2 or len(images) != len(labels):
        raise ValueError(f"{len(labels)} labels for images of shape {images.shape}")
    if not len(labels) or not 0 <= labels.min() <= labels.max() < NUM_CLASSES:
        raise ValueError("labels other than 0 to 9")
    if train:
        for other in DATA_SETS.values():
            first = labels[: len(other.first_labels)].tolist()
            if first and other != data_set and tuple(first) == other.first_labels:
                raise ValueError(f"these are the files of {other.name}")
    return images, labels


@contextmanager
def _unpacked(data_set: DataSet, paths: list[Path]) -> Iterator[Path]:
    """The folder of the uncompressed files: a temporary one if they had to be unpacked."""
    if not any(path.suffix == ".gz" for path in paths):
        yield paths[0].parent.absolute()
        return
    with tempfile.TemporaryDirectory() as temporary:
        for path in paths:
            if path.name == data_set.archive:
                with tarfile.open(path) as archive:
                    for member in archive:
                        name = Path(member.name).name
                        if name in data_set.files and (source := archive.extractfile(member)):
                            _copy(source, Path(temporary, name))
            else:
                unpacked = Path(temporary, path.name.removesuffix(".gz"))
                with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                    _copy(file, unpacked)
        yield Path(temporary)


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path) -> None:
    try:
        with target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise cannot_write(str(target.parent), error) from error
        raise
