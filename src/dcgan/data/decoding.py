"""Decode one image file to upright, opaque, 8-bit pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dcgan.config.run import MAX_PIXELS
from dcgan.data.folders import FORMATS, shown
from dcgan.errors import cannot_read, first_line

Images = NDArray[np.uint8]

GROUND = (255, 255, 255, 255)  # white, behind transparent pixels

# Pillow's own limit reports neither the file nor a setting; `opened` checks every image instead.
Image.MAX_IMAGE_PIXELS = None


class BrokenImage(ValueError):
    """An image file cannot be used; the message says why."""


class TooLarge(BrokenImage):
    """An image file has more pixels than allowed."""


@contextmanager
def opened(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file; its pixels are decoded inside the `with` block, when accessed.

    Raises:
        BrokenImage: the file cannot be opened, or the block fails on its content.
        TooLarge: it has more than `max_pixels` pixels.
        MachineError: out of memory, too many open files, or the disk fails.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise TooLarge(f"too large: {width}x{height} is {width * height} pixels")  # noqa: TRY301
            yield image
    except BrokenImage:
        raise
    except Exception as error:  # Pillow raises many types for damaged files
        if fault := cannot_read(shown(path), error):
            raise fault from error
        raise BrokenImage(f"corrupt image ({type(error).__name__}: {first_line(error)})") from error


def decode(
    path: Path, image_size: int, channels: int, crop: int | None, max_pixels: int = MAX_PIXELS
) -> tuple[Images, bool]:
    """Decode one file, see `plain`; crop and resize it.

    The center square of `crop` pixels (None: the largest possible) is resized with Pillow's
    antialiased bicubic filter.

    Returns:
        (C, image_size, image_size) uint8, and whether the image was enlarged.

    Raises:
        BrokenImage: the file is corrupt, too large, or smaller than `crop`.
        MachineError: out of memory, too many open files, or the disk fails.
    """
    with opened(path, max_pixels) as file:
        image = plain(file, "L" if channels == 1 else "RGB")
        side = min(image.size) if crop is None else crop
        if side > min(image.size):
            raise BrokenImage(f"{image.width}x{image.height} is smaller than data.crop={crop}")
        left, top = (image.width - side) // 2, (image.height - side) // 2
        # Crop first: with resize(box=…) the filter reads pixels outside the box.
        image = image.crop((left, top, left + side, top + side))
        image = image.resize((image_size, image_size), Image.Resampling.BICUBIC)
        pixels = np.asarray(image).reshape(image_size, image_size, channels)
        return pixels.transpose(2, 0, 1), side < image_size


def plain(image: Image.Image, mode: str) -> Image.Image:
    """Convert to 8-bit `mode` (L or RGB), with EXIF rotation, composited over white.

    Raises:
        ValueError: the range of the pixel values is unknown.
    """
    image = _to_8_bits(ImageOps.exif_transpose(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, GROUND), image)
    return image.convert(mode)


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8, which Pillow would clip; refuse values of unknown range."""
    if image.mode != "I" and not image.mode.startswith("I;16"):
        if image.mode == "F":
            raise ValueError("mode F: pixels must have 8 or 16 bits")
        return image
    deep = np.asarray(image).astype(np.int32)
    if deep.min() < 0 or deep.max() > 65535:
        raise ValueError(f"pixels from {deep.min()} to {deep.max()}: must have 8 or 16 bits")
    scaled = Image.fromarray((deep // 257).astype(np.uint8))
    if (clear := image.info.get("transparency")) is not None:  # the transparent value
        scaled.putalpha(Image.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return scaled
