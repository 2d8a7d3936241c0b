"""Where images come from: drawn here, a torchvision data set, or a tree of image files."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.config import DataConfig
from dcgan.errors import UserError, first_line

Images = NDArray[np.uint8]

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class DataSet:
    """A labeled data set that torchvision reads: its class, image size and files."""

    name: str
    size: int  # pixels
    pad: bool  # may be padded with black to a larger size
    folder: str
    files: tuple[str, ...]


_IDX = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_CIFAR = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
DATA_SETS = {
    "mnist": DataSet("MNIST", 28, True, "MNIST/raw", _IDX),
    "fashion_mnist": DataSet("FashionMNIST", 28, True, "FashionMNIST/raw", _IDX),
    "cifar10": DataSet("CIFAR10", 32, False, "cifar-10-batches-py", _CIFAR),
}


def find_source(config: DataConfig) -> tuple[str, list[Path]]:
    """Find the files that `config` names; a missing data set is downloaded where possible.

    Returns:
        A fingerprint that changes when the images do, and the image files to decode (none:
        `dcgan.data.labeled.read_images` has the images).

    Raises:
        UserError: the files are missing and cannot be downloaded, or the size is not available.
    """
    if config.num_images is not None:
        return f"{config.num_images} drawn", []
    root = root_of(config)
    if config.source in DATA_SETS:
        return _fingerprint(_find_data_set(config, root), root), []
    folder = _find_celeba(root) if config.source == "celeba" else root
    if not folder.is_dir():
        raise UserError(f"data.root={folder}: no such folder")
    paths = image_files(folder)
    if not paths:
        raise UserError(f"data.root={folder}: no image below it ({' '.join(IMAGE_SUFFIXES)})")
    return _fingerprint(paths, folder), paths


def fit_channels(images: Images, channels: int) -> Images:
    """(…, C, H, W) in 1 or 3 channels: gray is repeated, color is weighted (ITU-R BT.601)."""
    if images.shape[-3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-3)
    red, green, blue = np.moveaxis(images.astype(np.float32), -3, 0)
    gray = np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
    return np.expand_dims(gray, -3)


def image_files(folder: Path) -> list[Path]:
    """Every image file of a tree, by its suffix, sorted."""
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in paths if path.is_file())


def root_of(config: DataConfig) -> Path:
    """The folder of the files of a source that has files."""
    assert config.root is not None
    return Path(config.root).expanduser()


def _fingerprint(paths: list[Path], root: Path) -> str:
    """Hash of the files' names, sizes and times: cheap, and different when one of them changed."""
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.relative_to(root)}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _find_data_set(config: DataConfig, root: Path) -> list[Path]:
    data_set = DATA_SETS[config.source]
    padding = config.image_size - data_set.size
    if padding < 0 or (padding > 0 and not data_set.pad):
        larger = ", or larger (padded)" if data_set.pad else ""
        raise UserError(
            f"data.image_size={config.image_size}: {config.source} images are never resized; must"
            f" be {data_set.size}{larger}"
        )
    folder = root / data_set.folder
    paths = sorted(folder / name for name in data_set.files)
    if not all(path.is_file() for path in paths):
        cure = f"Place {', '.join(data_set.files)} in {folder}"
        _download(data_set.name, root, folder, cure)
    return paths


def _find_celeba(root: Path) -> Path:
    """The folder of the aligned 178x218 JPEGs: `root` itself, or one in torchvision's layout."""
    layouts = (root / "celeba" / "img_align_celeba", root / "img_align_celeba", root)
    for folder in layouts:
        if folder.is_dir() and any(folder.glob("*.jpg")):
            return folder
    cure = f"Unpack img_align_celeba.zip so that {layouts[0]}/000001.jpg exists"
    _download("CelebA", root, layouts[0].parent, cure)
    return layouts[0]


def _download(name: str, root: Path, folder: Path, cure: str) -> None:
    from torchvision import datasets  # torch, which decoding processes do not need

    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        getattr(datasets, name)(str(root), download=True)
    except Exception as error:  # no network, a quota, gdown not installed, a damaged archive
        with contextlib.suppress(OSError):  # not made, or not empty: it stays
            for path in missing:
                path.rmdir()
        raise UserError(
            f"data.root={root}: {name} is not there, and the download failed"
            f" ({first_line(error)}). {cure}, then run the same command again"
        ) from error
