"""MNIST, Fashion-MNIST and CIFAR-10 as torchvision reads them: images and labels, both splits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.config import DataConfig
from dcgan.data.downloads import missing_folders, remove_empty
from dcgan.errors import UserError, first_line


@dataclass(frozen=True)
class _DataSet:
    """A torchvision data set: its class, its own size, and the files that make it up."""

    name: str
    size: int
    pad: bool  # may be padded with black to a larger size
    folder: str
    files: tuple[str, ...]


_IDX = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_CIFAR = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
DATA_SETS = {
    "mnist": _DataSet("MNIST", 28, True, "MNIST/raw", _IDX),
    "fashion_mnist": _DataSet("FashionMNIST", 28, True, "FashionMNIST/raw", _IDX),
    "cifar10": _DataSet("CIFAR10", 32, False, "cifar-10-batches-py", _CIFAR),
}


def find_files(config: DataConfig) -> list[Path]:
    """The files of a data set, downloaded if they are missing.

    Raises:
        UserError: they cannot be had, or the size asked for cannot be made.
    """
    kind, root = DATA_SETS[config.source], _root(config)
    margin, odd = divmod(config.image_size - kind.size, 2)
    if margin < 0 or odd or (margin and not kind.pad):
        allowed = f"{kind.size}, or larger and even (padded)" if kind.pad else str(kind.size)
        raise UserError(
            f"data.image_size={config.image_size}: {config.source} is {kind.size}x{kind.size} and"
            f" is never resized; must be {allowed}"
        )
    files = sorted(root / kind.folder / name for name in kind.files)
    if not all(path.is_file() for path in files):
        _download(config, kind, root)
    return files


def read_split(config: DataConfig, *, train: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, C, H, W) with the data set's own channels, padded to size, and labels (N,).

    Raises:
        UserError: the files are damaged.
    """
    from torchvision import datasets

    kind, root = DATA_SETS[config.source], _root(config)
    try:
        data = getattr(datasets, kind.name)(str(root), train=train)
    except Exception as error:  # torchvision has a type for every kind of damage
        raise UserError(
            f"data.root={root}: the {config.source} files there cannot be read"
            f" ({first_line(error)})"
        ) from error
    images = np.asarray(data.data)
    # MNIST comes as (N, H, W), CIFAR-10 as (N, H, W, C).
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    sides = ((config.image_size - kind.size) // 2,) * 2
    return np.pad(images, ((0, 0), (0, 0), sides, sides)), np.asarray(data.targets, np.int64)


def _root(config: DataConfig) -> Path:
    assert config.root is not None
    return Path(config.root).expanduser()


def _download(config: DataConfig, kind: _DataSet, root: Path) -> None:
    from torchvision import datasets

    folder = root / kind.folder
    missing = missing_folders(folder)
    try:
        getattr(datasets, kind.name)(str(root), train=True, download=True)
    except Exception as error:  # URLError, RuntimeError, OSError: whatever kept it from coming
        remove_empty(missing)
        raise UserError(
            f"data.root={root}: {config.source} is not there, and the download failed"
            f" ({first_line(error)}). Place {', '.join(kind.files)} in {folder},"
            " then give the same command again"
        ) from error
