"""One image file to pixels: upright, opaque, 8 bits."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dcgan.config.run import MAX_PIXELS
from dcgan.data.folders import FORMATS, shown
from dcgan.errors import MachineError, first_line

Images = NDArray[np.uint8]

GROUND = (255, 255, 255, 255)  # what is seen through transparent pixels: white
MACHINE_ERRORS = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO)

# Pillow's own limit names neither the file nor a setting. `opened` checks every image instead.
Image.MAX_IMAGE_PIXELS = None


class BrokenImage(ValueError):
    """An image file that cannot be used; its text says why."""


class TooLarge(BrokenImage):
    """An image file of more pixels than allowed."""


@contextmanager
def opened(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file; its pixels are decoded when they are asked for inside the block.

    Raises:
        BrokenImage: the file cannot be opened, or the block fails on what is in it.
        TooLarge: it has more than `max_pixels` pixels.
        MachineError: no memory, too many open files.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise TooLarge(f"too large: {width}x{height} is {width * height} pixels")  # noqa: TRY301
            yield image
    except BrokenImage:
        raise
    except Exception as error:  # Pillow has many types for damage
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE_ERRORS:
            raise MachineError(f"{shown(path)}: cannot be read ({first_line(error)})") from error
        raise BrokenImage(f"broken image ({type(error).__name__}: {first_line(error)})") from error


def decode(
    path: Path, image_size: int, channels: int, crop: int | None, max_pixels: int = MAX_PIXELS
) -> tuple[Images, bool]:
    """One file as (C, image_size, image_size) uint8: plain, cropped, resized.

    The center square of `crop` pixels (None: the largest there is) is resized with Pillow's
    antialiased bicubic filter. Also returns whether that enlarged it.

    Raises:
        BrokenImage: the file is broken or too large, or smaller than `crop`.
        MachineError: no memory, too many open files.
    """
    with opened(path, max_pixels) as file:
        image = plain(file, "L" if channels == 1 else "RGB")
        side = min(image.size) if crop is None else crop
        if side > min(image.size):
            raise BrokenImage(f"{image.width}x{image.height} is smaller than data.crop={crop}")
        left, top = (image.width - side) // 2, (image.height - side) // 2
        # Cropped first: resize(box=…) lets its filter look at pixels outside the box.
        image = image.crop((left, top, left + side, top + side))
        image = image.resize((image_size, image_size), Image.Resampling.BICUBIC)
        pixels = np.asarray(image).reshape(image_size, image_size, channels)
        return pixels.transpose(2, 0, 1), side < image_size


def plain(image: Image.Image, mode: str) -> Image.Image:
    """Turned as its EXIF data say, 8 bits a channel, opaque, in `mode` (L or RGB).

    Raises:
        ValueError: the pixels have no known scale.
    """
    image = _to_8_bits(ImageOps.exif_transpose(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, GROUND), image)
    return image.convert(mode)


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8, which Pillow's own conversion would clip; refuse what has no scale."""
    if image.mode != "I" and not image.mode.startswith("I;16"):
        if image.mode == "F":
            raise ValueError("mode F: pixels must have 8 or 16 bits")
        return image
    deep = np.asarray(image).astype(np.int32)
    if deep.min() < 0 or deep.max() > 65535:
        raise ValueError(f"pixels from {deep.min()} to {deep.max()}: must have 8 or 16 bits")
    scaled = Image.fromarray((deep // 257).astype(np.uint8))
    if (clear := image.info.get("transparency")) is not None:  # the value that is transparent
        scaled.putalpha(Image.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return scaled
