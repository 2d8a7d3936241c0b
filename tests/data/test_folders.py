"""Which files in a folder are used, and what is logged about the others."""

import logging
import os
from pathlib import Path

import pytest
from PIL import Image

from dcgan.data.decoding import decode
from dcgan.data.folders import IMAGE_SUFFIXES, image_files, shown
from dcgan.errors import UserError


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (9, 9, 9)).save(path, "PNG")
    return path


def test_images_are_found_at_any_depth_and_sorted(tmp_path: Path) -> None:
    two, one = write(tmp_path / "two.jpeg"), write(tmp_path / "a" / "b" / "one.PNG")
    assert image_files(tmp_path) == [one, two]


@pytest.mark.parametrize("suffix", [".jfif", ".avif", ".jp2", ".tga", ".JPG", ".mpo", ".qoi"])
def test_every_suffix_that_pillow_opens_is_used(tmp_path: Path, suffix: str) -> None:
    if suffix.lower() not in IMAGE_SUFFIXES:
        pytest.skip("this Pillow cannot open it")
    path = tmp_path / f"0{suffix}"
    Image.new("RGB", (8, 8), (200, 100, 50)).save(path)
    assert image_files(tmp_path) == [path]
    image, _ = decode(path, 8, 3, None)
    assert image[:, 0, 0] == pytest.approx((200, 100, 50), abs=8)


def test_formats_that_are_not_pictures_are_left_out_even_if_pillow_registers_them() -> None:
    assert not IMAGE_SUFFIXES.keys() & {".pdf", ".eps", ".ps", ".mpg", ".h5", ".hdf", ".grib"}
    assert {".jpg", ".png", ".gif", ".webp", ".tif", ".bmp", ".pgm"} <= IMAGE_SUFFIXES.keys()


def test_one_line_counts_and_names_what_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "a" / "0.png")
    for hidden in (".ipynb_checkpoints/0.png", "a/._0.png", ".thumb.png"):
        write(tmp_path / hidden)
    for name in ("notes.txt", "more.TXT", "a/labels.csv", "README"):
        (tmp_path / name).write_text("")
    caplog.set_level(logging.INFO)
    assert len(image_files(tmp_path)) == 1
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert record.getMessage() == (
        f"data.root={tmp_path}: 1 images; left out: 3 hidden (.ipynb_checkpoints, .thumb.png,"
        " a/._0.png), 4 of other kinds (.txt 2, .csv 1, no suffix 1)"
    )


def test_links_are_followed_once_and_dangling_links_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    own, far = write(root / "z" / "0.png"), write(elsewhere / "1.png")
    (root / "b").symlink_to(elsewhere)
    (root / "a").symlink_to(root / "z")  # z is read under its own name
    (root / "z" / "loop").symlink_to(root)
    (root / "single.png").symlink_to(far)
    (root / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (root / "itself.png").symlink_to(root / "itself.png")
    assert image_files(root) == [root / "b" / "1.png", root / "single.png", own]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "2 dangling (gone.png, itself.png)" in record.getMessage()
    assert "2 already read (a, z/loop)" in record.getMessage()


def test_pipes_and_unreadable_folders_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "0.png")
    closed = tmp_path / "closed"
    closed.mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
    scandir = os.scandir

    def refusing(folder: Path) -> object:
        if Path(folder) == closed:
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    assert image_files(tmp_path) == [path]
    assert "unreadable (closed" in caplog.text
    assert ("pipe.png" in caplog.text) == hasattr(os, "mkfifo")


def test_a_folder_without_images_is_refused_with_its_content(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no images in it \(it is empty\)"):
        image_files(tmp_path)
    (tmp_path / "scan.pdf").write_text("")
    with pytest.raises(UserError, match=r"no images in it \(1 of other kinds \(\.pdf 1\)\)"):
        image_files(tmp_path)
    with pytest.raises(UserError, match=r"data\.root=.*missing: no such folder"):
        image_files(tmp_path / "missing")
    with pytest.raises(UserError, match=r"target=.*0\.png: is a file; must be a folder"):
        image_files(write(tmp_path / "0.png"), "target")


def test_a_path_is_printed_as_one_line_of_utf_8() -> None:
    assert shown("été/0 1.png") == "été/0 1.png"
    assert shown(os.fsdecode(b"caf\xe9\n.png")) == r"caf\udce9\n.png"
