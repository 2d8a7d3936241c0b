"""The fingerprint of a source, and conversion of channels."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.config import DataConfig
from dcgan.data import sources
from dcgan.data.sources import find_source, fit_channels
from dcgan.errors import MachineError, UserError


def fingerprint(root: Path) -> str:
    config = DataConfig(source="folder", image_size=32, channels=3, flip=False, root=str(root))
    return find_source(config)[0]


def write(path: Path, value: int) -> Path:
    """Write an image whose file size and time do not depend on its content."""
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (8, 8), value).save(path)
    os.utime(path, (1e9, 1e9))
    return path


def test_the_fingerprint_changes_with_the_files(tmp_path: Path) -> None:
    path = write(tmp_path / "one.bmp", 0)
    first = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == first
    os.utime(path, (1, 1))
    second = fingerprint(tmp_path)
    path.rename(tmp_path / "two.bmp")
    assert len({first, second, fingerprint(tmp_path)}) == 3


def test_the_fingerprint_changes_with_the_folder_and_the_content(tmp_path: Path) -> None:
    for name, value in (("a", 0), ("b", 255), ("c", 255)):
        for number in range(3):
            write(tmp_path / name / f"{number}.bmp", value)
    found = [fingerprint(tmp_path / name) for name in "abc"]
    assert len({*found}) == 3
    shutil.rmtree(tmp_path / "a")
    (tmp_path / "b").rename(tmp_path / "a")  # other images under the same path
    assert fingerprint(tmp_path / "a") not in found
    (tmp_path / "link").symlink_to(tmp_path / "c")
    assert fingerprint(tmp_path / "link") == found[2]


def test_a_name_that_is_not_utf_8_has_a_fingerprint(tmp_path: Path) -> None:
    path = write(tmp_path / "0.bmp", 0)
    try:
        path.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.bmp"))
    except OSError:
        pytest.skip("this file system allows UTF-8 only")
    assert len(fingerprint(tmp_path)) == 64


def test_a_file_that_vanishes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "image_files", lambda folder: [folder / "0.png"])
    with pytest.raises(UserError, match=r"data\.root=.*No such file or directory.*0\.png"):
        fingerprint(tmp_path)


def test_a_failing_disk_is_not_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> list[Path]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(sources, "image_files", fail)
    with pytest.raises(MachineError, match=r"data\.root=.*: cannot be read \(.*Input/output"):
        fingerprint(tmp_path)


def test_gray_is_repeated_and_color_is_weighted() -> None:
    gray = np.full((2, 1, 4, 4), 7, np.uint8)
    assert np.array_equal(fit_channels(gray, 3), np.full((2, 3, 4, 4), 7))
    color = np.zeros((1, 3, 2, 2), np.uint8)
    color[:, 1] = 100
    assert np.array_equal(fit_channels(color, 1), np.full((1, 1, 2, 2), 59))
    assert fit_channels(color, 3) is color
