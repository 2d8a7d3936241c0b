"""Image files are decoded to upright, opaque, 8-bit pixels, or refused as corrupt."""

import errno
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan.data import decoding
from dcgan.data.decoding import BrokenImage, TooLarge, decode
from dcgan.errors import MachineError, UserError
from tests.damage import EXAMPLES, damaged

RAMP = (0, 16500, 33300, 50000, 65535)  # 16 bits
IN_8_BITS = [0, 64, 129, 194, 255]


def test_crop_resize_and_exif_rotation(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    image, enlarged = decode(tmp_path / "wide.png", 32, 3, None)
    assert np.array_equal(image, pixels[:, 8:40].transpose(2, 0, 1))
    assert not enlarged
    assert decode(tmp_path / "wide.png", 64, 3, None)[1]
    assert decode(tmp_path / "wide.png", 32, 1, None)[0].shape == (1, 32, 32)
    with pytest.raises(BrokenImage, match=r"48x32 is smaller than data.crop=40"):
        decode(tmp_path / "wide.png", 32, 3, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown rotated by 90° clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    turned, _ = decode(tmp_path / "turned.png", 32, 3, None)
    assert np.array_equal(turned, np.rot90(image, k=-1, axes=(1, 2)))


def ramp() -> np.ndarray:
    return np.tile(np.array(RAMP, np.uint16), (5, 1))


def write_png(path: Path) -> None:
    Image.fromarray(ramp()).save(path, "PNG")


def write_tiff(path: Path) -> None:
    Image.fromarray(ramp()).save(path, "TIFF")


def write_32_bit_tiff(path: Path) -> None:
    Image.fromarray(ramp().astype(np.int32)).save(path, "TIFF")


def write_pgm(path: Path) -> None:
    path.write_bytes(b"P5 5 5 65535\n" + ramp().astype(">u2").tobytes())


def write_jpeg_2000(path: Path) -> None:
    Image.fromarray(ramp()).save(path, "JPEG2000", irreversible=False)


@pytest.mark.parametrize(
    "write", [write_png, write_tiff, write_32_bit_tiff, write_pgm, write_jpeg_2000]
)
def test_16_bits_are_scaled_to_8_in_every_format(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "ramp")
    image, _ = decode(tmp_path / "ramp", 5, 1, None)
    assert image[0].tolist() == [IN_8_BITS] * 5


def test_pixels_of_unknown_range_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "0.tif"
    for pixels in (np.full((4, 4), 65536, np.int32), np.full((4, 4), -1, np.int32)):
        Image.fromarray(pixels).save(path)
        with pytest.raises(BrokenImage, match=r"pixels from .* must have 8 or 16 bits"):
            decode(path, 4, 1, None)
    Image.fromarray(np.zeros((4, 4), np.float32)).save(path)
    with pytest.raises(BrokenImage, match="mode F: pixels must have 8 or 16 bits"):
        decode(path, 4, 1, None)


def write_transparent(path: Path, mode: str) -> None:
    """Write a 2x1 PNG: a transparent black pixel, then an opaque gray one (100)."""
    if mode in ("RGBA", "LA"):
        gray = Image.fromarray(np.array([[0, 100]], np.uint8))
        image = gray.convert(mode)
        image.putalpha(Image.fromarray(np.array([[0, 255]], np.uint8)))
        image.save(path)
    elif mode == "PA":
        palette = Image.new("P", (2, 1))
        palette.putpalette([0, 0, 0, 100, 100, 100])
        palette.putpixel((1, 0), 1)
        palette.save(path, transparency=bytes([0, 255]))
    else:
        values = {"P": [0, 1], "L": [0, 100], "I;16": [0, 100 * 257], "RGB": [0, 100]}[mode]
        array = np.array([values], np.uint16 if mode == "I;16" else np.uint8)
        image = Image.fromarray(array)
        image = image.convert("RGB") if mode == "RGB" else image
        if mode == "P":
            image.putpalette([0, 0, 0, 100, 100, 100])
        image.save(path, transparency=(0, 0, 0) if mode == "RGB" else 0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "L", "I;16", "RGB"])
def test_transparency_is_composited_over_white(tmp_path: Path, mode: str, channels: int) -> None:
    write_transparent(tmp_path / "0.png", mode)
    with decoding.opened(tmp_path / "0.png") as image:
        plain = np.asarray(decoding.plain(image, "L" if channels == 1 else "RGB"))
    assert plain.reshape(2, channels).tolist() == [[255] * channels, [100] * channels]


def test_half_transparent_is_half_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 128)).save(tmp_path / "0.png")
    image, _ = decode(tmp_path / "0.png", 4, 3, None)
    assert image[:, 0, 0].tolist() == [255, 127, 127]


def test_a_too_large_image_is_refused_with_its_number_of_pixels(tmp_path: Path) -> None:
    Image.new("1", (14000, 13000)).save(tmp_path / "scan.png")
    for limit in ({}, {"max_pixels": 181_999_999}):
        with pytest.raises(TooLarge, match="too large: 14000x13000 is 182000000 pixels"):
            decode(tmp_path / "scan.png", 4, 1, None, **limit)
    Image.new("L", (30, 20)).save(tmp_path / "small.png")
    decode(tmp_path / "small.png", 4, 1, None, max_pixels=600)
    with pytest.raises(TooLarge):
        decode(tmp_path / "small.png", 4, 1, None, max_pixels=599)


def test_errors_of_the_machine_do_not_count_as_a_broken_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fault in (OSError(errno.EMFILE, "Too many open files"), MemoryError()):

        def fail(*_: object, fault: Exception = fault, **__: object) -> None:
            raise fault

        monkeypatch.setattr(Image, "open", fail)
        with pytest.raises(MachineError, match=r"cannot be read \((.*Too many|MemoryError)"):
            decode(tmp_path / "0.png", 4, 1, None)


def test_postscript_disguised_as_png_never_starts_ghostscript(tmp_path: Path) -> None:
    path = tmp_path / "0.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(BrokenImage, match="cannot identify image file"):
        decode(path, 4, 1, None)


FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000", "SGI")


def encoded(name: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore")  # Pillow's, about damage it can recover from
@given(data=st.data(), name=st.sampled_from(FORMATS))
@settings(EXAMPLES, max_examples=300)
def test_damaged_files_are_decoded_or_refused_as_broken(
    tmp_path: Path, data: st.DataObject, name: str
) -> None:
    (tmp_path / "0.png").write_bytes(data.draw(damaged(encoded(name))))
    try:
        image, _ = decode(tmp_path / "0.png", 16, 3, None, max_pixels=10**6)
    except (BrokenImage, UserError):
        return
    assert image.shape == (3, 16, 16)
    assert image.dtype == np.uint8


def test_a_header_with_a_huge_size_is_refused_without_allocating_memory(tmp_path: Path) -> None:
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 65535, 65535, 24, 0)
    (tmp_path / "0.tga").write_bytes(header)
    with pytest.raises(TooLarge, match="65535x65535"):
        decode(tmp_path / "0.tga", 4, 1, None)
