"""Where images come from: drawn here, a torchvision data set, or a tree of image files."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dcgan.config import DRAWN_SOURCES, DataConfig
from dcgan.data.downloads import missing_folders, remove_empty
from dcgan.data.torchvision_sets import find_files, read_split
from dcgan.errors import UserError, first_line

Images = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
)


@dataclass(frozen=True)
class ArraySource:
    """Images that come as one array."""

    fingerprint: str  # changes when the images do
    read: Callable[[], Images]  # the whole (N, C, H, W) uint8 array


@dataclass(frozen=True)
class FileSource:
    """Images that are files, decoded one by one."""

    fingerprint: str
    paths: list[Path]


def open_source(config: DataConfig) -> ArraySource | FileSource:
    """Find the images that `config` names; a missing data set is downloaded where that is possible.

    Raises:
        UserError: the files are missing and cannot be had, or the size asked for cannot be made.
    """
    if config.source in DRAWN_SOURCES:
        return _drawn(config)
    assert config.root is not None
    root = Path(config.root).expanduser()
    if config.source == "folder":
        return _files(root)
    if config.source == "celeba":
        return _celeba(root)
    return _torchvision(config, root)


def fit_channels(images: Images, channels: int) -> Images:
    """(…, C, H, W) in 1 or 3 channels: grey is repeated, colour is weighted (ITU-R BT.601)."""
    if images.shape[-3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-3)
    red, green, blue = np.moveaxis(images.astype(np.float32), -3, 0)
    grey = np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
    return np.expand_dims(grey, -3)


def decode(path: Path, image_size: int, channels: int, crop: int | None) -> tuple[Images, bool]:
    """One file as (C, image_size, image_size) uint8: turned as its EXIF says, cropped, resized.

    The centre square of `crop` pixels (None: the largest there is) is resized with Pillow's
    antialiased bicubic filter. Also says whether that enlarged it.

    Raises:
        OSError, ValueError: the file is broken, or smaller than `crop`.
    """
    with Image.open(path) as opened:
        image = to_8_bits(ImageOps.exif_transpose(opened))
    image = image.convert("L" if channels == 1 else "RGB")
    side = min(image.size) if crop is None else crop
    if side > min(image.size):
        raise ValueError(f"{image.width}x{image.height} is smaller than data.crop={crop}")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # Cropped first: resize(box=…) lets its filter look at pixels outside the box.
    image = image.crop((left, top, left + side, top + side))
    image = image.resize((image_size, image_size), Image.Resampling.BICUBIC)
    pixels = np.asarray(image).reshape(image_size, image_size, channels)
    return pixels.transpose(2, 0, 1), side < image_size


def to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8, which Pillow's own conversion would clip; refuse what has no scale."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode}: pixels must have 8 or 16 bits")
    return image


def _fingerprint(paths: Iterable[Path], root: Path) -> str:
    """Names, sizes and times of the files: cheap, and different when one of them changed."""
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.relative_to(root)}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _drawn(config: DataConfig) -> ArraySource:
    assert config.num_images is not None
    num_images = config.num_images

    def read() -> Images:
        from dcgan.data import drawn  # imports torch; the decoding processes never come here

        draw = getattr(drawn, f"draw_{config.source}")
        return fit_channels(draw(num_images, config.image_size), config.channels)

    return ArraySource(f"{num_images} drawn", read)


def image_files(folder: Path) -> list[Path]:
    """Every image file of a tree, by its suffix, sorted."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in found if path.is_file())


def _files(root: Path) -> FileSource:
    if not root.is_dir():
        raise UserError(f"data.root={root}: no such folder")
    paths = image_files(root)
    if not paths:
        raise UserError(f"data.root={root}: no image below it ({' '.join(sorted(IMAGE_SUFFIXES))})")
    return FileSource(_fingerprint(paths, root), paths)


def _torchvision(config: DataConfig, root: Path) -> ArraySource:
    def read() -> Images:
        images, _ = read_split(config, train=True)
        return fit_channels(images, config.channels)

    return ArraySource(_fingerprint(find_files(config), root), read)


def _celeba(root: Path) -> FileSource:
    """A plain folder of the aligned 178x218 JPEGs, or torchvision's layout around one."""
    layouts = (root / "celeba" / "img_align_celeba", root / "img_align_celeba", root)
    for folder in layouts:
        if folder.is_dir() and any(folder.glob("*.jpg")):
            return _files(folder)
    missing = missing_folders(layouts[0])
    try:
        from torchvision.datasets import CelebA

        CelebA(str(root), download=True)
    except Exception as error:  # no network, a quota, gdown not installed, a damaged archive
        remove_empty(missing)
        raise UserError(
            f"data.root={root}: no CelebA images there, and the download failed"
            f" ({first_line(error)}). Unpack img_align_celeba.zip so that"
            f" {layouts[0]}/000001.jpg exists, then give the same command again"
        ) from error
    return _files(layouts[0])
