"""Images are prepared once, atomically, verified, and by one process at a time."""

import errno
import json
import math
import os
import sys
from dataclasses import replace
from multiprocessing.pool import ThreadPool
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import psutil
import pytest
import torch
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dcgan.config import DataConfig
from dcgan.data import preparation
from dcgan.data.preparation import Prepared, prepare
from dcgan.errors import MachineError, UserError
from tests.damage import EXAMPLES, damaged


def settings(root: Path, cache: Path, **changes: object) -> DataConfig:
    values = {"image_size": 16, "channels": 3, "flip": False, "decoding_threads": 1, **changes}
    return DataConfig(source="folder", root=str(root), cache_dir=str(cache), **values)  # type: ignore[arg-type]


def write_images(folder: Path, count: int, size: tuple[int, int] = (16, 16)) -> np.ndarray:
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (count, *size[::-1], 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:05d}.png")
    return pixels.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("decoding_threads", [1, 2])
def test_images_are_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoding_threads: int
) -> None:
    monkeypatch.setattr(preparation, "FILES_PER_TASK", 8)
    originals = write_images(tmp_path / "in", 30)
    config = settings(tmp_path / "in", tmp_path / "cache", decoding_threads=decoding_threads)
    assert np.array_equal(prepare(config).open(), originals)


def test_a_second_run_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals = write_images(tmp_path / "in", 3)
    config = settings(tmp_path / "in", tmp_path / "cache")
    first = prepare(config)
    monkeypatch.delattr(preparation, "decode")
    assert prepare(config) == first
    images = first.open()
    assert torch.equal(images, torch.from_numpy(originals))


@pytest.mark.skipif(sys.platform == "win32", reason="its files are not sparse")
def test_prepared_images_may_be_larger_than_the_memory(tmp_path: Path) -> None:
    shape = (3 * psutil.virtual_memory().total // (3 * 64 * 64), 3, 64, 64)
    with (tmp_path / "large.npy").open("wb") as file:  # sparse: takes a few kB
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + math.prod(shape))
    images = Prepared(tmp_path / "large.npy", "", []).open()
    assert images.shape == shape
    assert images[-1].max() == 0
    del images
    (tmp_path / "large.npy").unlink()  # a copy might take all of the space


def test_other_settings_or_files_are_prepared_into_another_file(tmp_path: Path) -> None:
    write_images(tmp_path / "in", 3, (40, 40))
    cache = tmp_path / "cache"
    changes: list[dict[str, int]] = [{}, {"image_size": 8}, {"channels": 1}, {"crop": 20}]
    paths = {prepare(settings(tmp_path / "in", cache, **change)).path for change in changes}
    (tmp_path / "in" / "00001.png").unlink()
    paths.add(prepare(settings(tmp_path / "in", cache)).path)
    assert len(paths) == 5


@pytest.mark.parametrize("decoding_threads", [1, 2])
def test_a_broken_image_is_named_and_no_files_are_left_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
    decoding_threads: int,
) -> None:
    monkeypatch.setattr(preparation, "FILES_PER_TASK", 2)
    write_images(tmp_path / "in", 40)
    broken = tmp_path / "in" / "00003.png"
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(UserError, match=r"00003\.png: corrupt image .*data.on_corrupt_image=skip"):
        prepare(settings(tmp_path / "in", tmp_path / "cache", decoding_threads=decoding_threads))
    assert not [warning for warning in recwarn if "cancelled" in str(warning.message)]
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} <= {".lock"}


def test_a_too_large_image_is_named_with_its_size_and_the_setting(tmp_path: Path) -> None:
    write_images(tmp_path / "in", 3)
    Image.new("L", (50, 40)).save(tmp_path / "in" / "scan.png")
    limited = settings(tmp_path / "in", tmp_path / "cache", max_pixels=1999)
    with pytest.raises(
        UserError, match=r"scan\.png: too large: 50x40 is 2000 pixels; .*data\.max_pixels=1999"
    ):
        prepare(limited)
    skipping = replace(limited, on_corrupt_image="skip")
    assert len(prepare(skipping).open()) == 3
    assert len(prepare(replace(skipping, max_pixels=2000)).open()) == 4


def test_equal_images_have_equal_digests(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name in ("a", "b"):
        write_images(tmp_path / name, 3)
    first, second = (prepare(settings(tmp_path / name, cache)) for name in ("a", "b"))
    assert first.path != second.path  # the folders differ
    assert first.digest == second.digest
    Image.new("RGB", (16, 16)).save(tmp_path / "b" / "00001.png")
    assert prepare(settings(tmp_path / "b", cache)).digest != first.digest


def test_broken_images_can_be_skipped_unless_all_are_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    originals = write_images(tmp_path / "in", 5)
    (tmp_path / "in" / "00003.png").write_bytes(b"no image")
    config = settings(tmp_path / "in", tmp_path / "cache", on_corrupt_image="skip")
    for _ in range(2):  # a later run repeats the warning
        prepared = prepare(config)
        assert "corrupt images skipped: 1; see" in caplog.text
        caplog.clear()
    assert np.array_equal(prepared.open(), np.delete(originals, 3, axis=0))
    facts = json.loads(prepared.path.with_suffix(".json").read_text())
    (skipped,) = facts["skipped"].items()
    assert skipped[0] == "3"
    assert skipped[1].startswith(f"{tmp_path / 'in' / '00003.png'}: corrupt image")
    assert [path.name for path in prepared.files] == [f"0000{i}.png" for i in (0, 1, 2, 4)]
    for path in (tmp_path / "in").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(UserError, match="all 5 images are corrupt"):
        prepare(config)


def test_broken_files_whose_names_print_alike_are_counted_separately(tmp_path: Path) -> None:
    write_images(tmp_path / "in", 3)
    for name in ("a\n.png", "a\\n.png"):
        (tmp_path / "in" / name).write_bytes(b"no image")
    config = settings(tmp_path / "in", tmp_path / "cache", on_corrupt_image="skip")
    prepared = prepare(config)
    assert len(prepared.open()) == len(prepared.files) == 3
    assert len(json.loads(prepared.path.with_suffix(".json").read_text())["skipped"]) == 2


def test_enlarging_images_logs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_images(tmp_path / "in", 3, (12, 12))
    prepare(settings(tmp_path / "in", tmp_path / "cache"))
    assert "3 images were enlarged to 16 pixels" in caplog.text


def test_a_cache_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "in", 1)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"data.cache_dir=.*file/cache: Not a"):
        prepare(settings(tmp_path / "in", tmp_path / "file" / "cache"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(preparation, "write_json", full)
    with pytest.raises(MachineError, match=r"data.cache_dir=.*cache: No space"):
        prepare(settings(tmp_path / "in", tmp_path / "cache"))


def test_a_read_only_cache_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals = write_images(tmp_path / "in", 3)
    config = settings(tmp_path / "in", tmp_path / "cache")
    prepare(config)

    def refuse(_: FileLock) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert np.array_equal(prepare(config).open(), originals)
    with pytest.raises(MachineError, match=r"data.cache_dir=.*: Read-only"):
        prepare(replace(config, image_size=8))


def test_folders_with_equal_names_sizes_and_times_do_not_share_prepared_images(
    tmp_path: Path,
) -> None:
    for name, color in (("a", (200, 0, 0)), ("b", (0, 0, 200))):
        (tmp_path / name).mkdir()
        for number in range(3):
            path = tmp_path / name / f"{number}.bmp"
            Image.new("RGB", (16, 16), color).save(path)
            os.utime(path, (1e9, 1e9))
    cache = tmp_path / "cache"
    corners = [prepare(settings(tmp_path / name, cache)).open()[0, :, 0, 0] for name in "ab"]
    assert [corner.tolist() for corner in corners] == [[200, 0, 0], [0, 0, 200]]


@given(data=st.data(), suffix=st.sampled_from([".npy", ".json"]))
@EXAMPLES
def test_images_are_prepared_again_if_the_cache_is_damaged(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    root = tmp_path_factory.getbasetemp()
    if not (root / "whole").exists():
        write_images(root / "whole", 4)
    prepared = prepare(settings(root / "whole", root / "whole cache"))
    originals = prepared.open().clone()
    path = prepared.path.with_suffix(suffix)
    content = path.read_bytes()
    path.write_bytes(data.draw(damaged(content)))
    again = prepare(settings(root / "whole", root / "whole cache"))
    assert np.array_equal(again.open(), originals)
    assert again.digest == prepared.digest


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".json", b"{}"),
        (".json", b'{"digest": "0"}'),
        (".json", b"[" * 10_000),
        (".json", b"\xff"),
        (".npy", b""),
    ],
)
def test_a_damaged_cache_logs_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, content: bytes
) -> None:
    originals = write_images(tmp_path / "in", 3)
    config = settings(tmp_path / "in", tmp_path / "cache")
    path = prepare(config).path.with_suffix(suffix)
    path.write_bytes(content)
    for _ in range(2):
        assert np.array_equal(prepare(config).open(), originals)
    assert caplog.text.count("incomplete or damaged; preparing the images again") == 1


def test_images_are_prepared_again_if_half_of_the_cache_is_missing(tmp_path: Path) -> None:
    originals = write_images(tmp_path / "in", 3)
    config = settings(tmp_path / "in", tmp_path / "cache")
    path = prepare(config).path
    path.with_name(f"{path.name}.tmp").write_bytes(b"half")  # left by a run that was killed
    for suffix in (".npy", ".json"):
        prepare(config).path.with_suffix(suffix).unlink()
        assert np.array_equal(prepare(config).open(), originals)


def test_two_runs_at_once_prepare_the_images_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = write_images(tmp_path / "in", 200)
    config = settings(tmp_path / "in", tmp_path / "cache")
    decode_files = Mock(wraps=preparation._decode_files)
    monkeypatch.setattr(preparation, "_decode_files", decode_files)
    with ThreadPool(2) as pool:
        found = pool.map(prepare, [config, config], chunksize=1)
    assert decode_files.call_count == 1
    assert all(np.array_equal(each.open(), originals) for each in found)
