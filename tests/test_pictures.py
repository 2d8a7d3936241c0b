"""A fixed mapping to 8 bits; writing pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.errors import UserError
from dcgan.pictures import (
    grid,
    phase_tile_picture,
    save_grid,
    save_picture,
    spectrum_picture,
    to_uint8,
)


def test_the_mapping_to_8_bits_is_fixed() -> None:
    values = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
    assert to_uint8(values).tolist() == [0, 0, 128, 191, 255, 255]


def test_an_image_does_not_depend_on_the_others_in_its_grid() -> None:
    dim = torch.full((1, 1, 8, 8), 26 / 127.5 - 1)
    for images in (dim, torch.cat([dim, torch.ones(1, 1, 8, 8)])):
        assert grid(images, 2).getpixel((2, 2)) == (26, 26, 26)


def test_a_grid_is_about_square_unless_columns_are_given() -> None:
    images = torch.zeros(12, 3, 8, 8)
    assert grid(images).size == (3 * 10 + 2, 4 * 10 + 2)
    assert grid(images, 6).size == (6 * 10 + 2, 2 * 10 + 2)
    assert grid(torch.zeros(1, 1, 8, 8)).mode == "RGB"
    assert grid(torch.zeros(1, 1, 8, 8)).size == (12, 12)  # with its border, too


def test_pictures_keep_their_channels(tmp_path: Path) -> None:
    for channels, mode in ((1, "L"), (3, "RGB")):
        path = tmp_path / f"{mode}.png"
        save_picture(torch.zeros(channels, 8, 6), path)
        with Image.open(path) as picture:
            assert (picture.mode, picture.size) == (mode, (6, 8))


@pytest.mark.parametrize(("suffix", "format_"), [("png", "PNG"), ("JPG", "JPEG"), ("webp", "WEBP")])
def test_the_format_follows_the_suffix(tmp_path: Path, suffix: str, format_: str) -> None:
    save_grid(torch.zeros(2, 1, 8, 8), tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as picture:
        assert picture.format == format_
    with pytest.raises(UserError, match="the suffix must be a picture's"):
        save_picture(torch.zeros(1, 8, 8), tmp_path / "a.pt")
    with pytest.raises(UserError, match="the suffix must be a picture's"):
        save_picture(torch.zeros(1, 8, 8), tmp_path / "a.psd")  # Pillow only reads it
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interrupted_write_keeps_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    save_grid(torch.zeros(1, 1, 8, 8), path)
    before = path.read_bytes()

    def full_disk(_: Image.Image, file: Path, *__: object) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_grid(torch.ones(1, 1, 8, 8), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_spectrum_has_dc_in_the_center_and_a_fixed_scale() -> None:
    power = torch.full((8, 8), 1e-3)
    power[0, 0] = 1e6
    picture = spectrum_picture(power, enlarge=2)
    assert picture.size == (16, 16)
    assert picture.getpixel((8, 8)) == (255,) * 3
    assert picture.getpixel((0, 0)) == (round(2.5 / 8 * 255),) * 3


def test_a_phase_picture_is_uniform_gray_if_phases_are_equal() -> None:
    assert set(np.asarray(phase_tile_picture(torch.full((2, 2), 7.0))).flatten()) == {128}
    tile = phase_tile_picture(torch.tensor([[1.0, 2.0], [2.0, 4.0]]), enlarge=1)
    uneven = np.asarray(tile)[:, :, 0]
    assert uneven.shape == (4, 4)
    assert uneven[0, 0] < uneven[0, 1] < uneven[1, 1]
