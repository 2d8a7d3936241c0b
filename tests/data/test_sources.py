"""Every source on files made here, and what is said when files are missing or wrong."""

import gzip
import os
import pickle
import struct
import threading
from functools import partial
from hashlib import md5
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10, MNIST

from dcgan.config import DataConfig
from dcgan.data.labeled import read_images
from dcgan.data.preparation import decode
from dcgan.data.sources import find_source, fit_channels
from dcgan.errors import UserError
from tests.conftest import real_data


def settings(source: str, root: Path, **changes: object) -> DataConfig:
    values = {"image_size": 32, "channels": 3, "flip": False, "root": str(root), **changes}
    return DataConfig(source=source, **values)  # type: ignore[arg-type]


def write_idx(folder: Path) -> np.ndarray:
    """MNIST's files, with 12 training and 4 test images of noise."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 12), ("t10k", 4)):
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        labels = random.integers(0, 10, count).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + array.tobytes())
        arrays[part] = images
    return arrays["train"]


def write_cifar10(folder: Path) -> np.ndarray:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    parts = []
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        pixels = random.integers(0, 256, (4, 3072), np.uint8)
        content = {"data": pixels, "labels": [0, 1, 2, 3]}
        (folder / name).write_bytes(pickle.dumps(content))
        parts.append(pixels.reshape(4, 3, 32, 32))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    return np.concatenate(parts[:5])


@pytest.mark.parametrize(
    ("source", "folder"), [("mnist", "MNIST/raw"), ("fashion_mnist", "FashionMNIST/raw")]
)
def test_mnist_is_padded_and_never_resized(tmp_path: Path, source: str, folder: str) -> None:
    originals = write_idx(tmp_path / folder)
    images = read_images(settings(source, tmp_path, channels=1))
    assert images.shape == (12, 1, 32, 32)
    assert np.array_equal(images[:, 0, 2:-2, 2:-2], originals)
    assert images.sum() == originals.sum()

    unpadded = read_images(settings(source, tmp_path, channels=3, image_size=28))
    assert np.array_equal(unpadded, np.repeat(originals[:, None], 3, axis=1))
    with pytest.raises(UserError, match=r"data.image_size=24: .* never resized; must be 28, or"):
        find_source(settings(source, tmp_path, image_size=24))


def test_real_mnist_is_found_without_a_download() -> None:
    config = settings("mnist", real_data("MNIST").parent, channels=1)
    find_source(config)
    assert read_images(config).shape == (60000, 1, 32, 32)


def test_cifar10_is_read_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals = write_cifar10(tmp_path / "cifar-10-batches-py")
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda _: True)  # not the published files
    meta = {**CIFAR10.meta, "md5": None}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    find_source(settings("cifar10", tmp_path))
    assert np.array_equal(read_images(settings("cifar10", tmp_path)), originals)
    with pytest.raises(UserError, match=r"cifar10 images are never resized; must be 32$"):
        find_source(settings("cifar10", tmp_path, image_size=64))


def test_the_download_code_is_torchvisions_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Serve MNIST's archives from this machine, and let torchvision fetch them."""
    originals = write_idx(tmp_path / "made")
    served = []
    for path in sorted((tmp_path / "made").iterdir()):
        archive = path.with_name(f"{path.name}.gz")
        archive.write_bytes(gzip.compress(path.read_bytes()))
        served.append((archive.name, md5(archive.read_bytes()).hexdigest()))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "made"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(MNIST, "resources", served)
    config = settings("mnist", tmp_path / "root", channels=1)
    find_source(config)
    server.shutdown()
    assert np.array_equal(read_images(config)[:, 0, 2:-2, 2:-2], originals)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("mnist", "train-images-idx3-ubyte, .*MNIST/raw, then run the same command again"),
        ("fashion_mnist", "FashionMNIST/raw, then run the same command again"),
        ("cifar10", "data_batch_1, .*cifar-10-batches-py, then run the same command again"),
        ("celeba", "img_align_celeba.zip .*000001.jpg exists, then run the same command again"),
    ],
)
def test_without_a_network_the_message_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, place: str
) -> None:
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=place) as refusal:
        find_source(settings(source, tmp_path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("layout", ["celeba/img_align_celeba", "img_align_celeba", "."])
def test_celeba_is_its_center_178_resized(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / layout
    folder.mkdir(parents=True, exist_ok=True)
    # Red where the crop must not look, white inside: rows 20 to 197 of 218 are the center 178.
    face = np.full((218, 178, 3), (255, 0, 0), np.uint8)
    face[20:198] = 255
    for number in (1, 2, 3):
        Image.fromarray(face).save(folder / f"{number:06d}.jpg", quality=100, subsampling=0)
    _, paths = find_source(settings("celeba", tmp_path, crop=178, image_size=64))
    assert [path.name for path in paths] == ["000001.jpg", "000002.jpg", "000003.jpg"]
    image, enlarged = decode(paths[0], 64, 3, 178)
    assert image.shape == (3, 64, 64)
    assert not enlarged
    assert image.min() > 240


def test_a_folder_is_any_tree_of_images(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    Image.new("RGB", (50, 40)).save(tmp_path / "a" / "b" / "one.PNG")
    Image.new("L", (40, 90)).save(tmp_path / "two.jpeg")
    (tmp_path / "notes.txt").write_text("not an image")
    _, paths = find_source(settings("folder", tmp_path))
    assert [path.name for path in paths] == ["one.PNG", "two.jpeg"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no image below it"):
        find_source(settings("folder", tmp_path / "empty"))
    with pytest.raises(UserError, match="no such folder"):
        find_source(settings("folder", tmp_path / "missing"))


def test_the_fingerprint_changes_with_the_files(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    Image.new("RGB", (40, 40)).save(path)
    first = find_source(settings("folder", tmp_path))[0]
    assert find_source(settings("folder", tmp_path))[0] == first
    os.utime(path, (1, 1))
    second = find_source(settings("folder", tmp_path))[0]
    path.rename(tmp_path / "two.png")
    assert len({first, second, find_source(settings("folder", tmp_path))[0]}) == 3


def test_decoding_crops_the_center_keeps_pixels_that_fit_and_turns_as_exif_says(
    tmp_path: Path,
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    image, enlarged = decode(tmp_path / "wide.png", 32, 3, None)
    assert np.array_equal(image, pixels[:, 8:40].transpose(2, 0, 1))
    assert not enlarged
    assert decode(tmp_path / "wide.png", 64, 3, None)[1]
    assert decode(tmp_path / "wide.png", 32, 1, None)[0].shape == (1, 32, 32)
    with pytest.raises(ValueError, match=r"48x32 is smaller than data.crop=40"):
        decode(tmp_path / "wide.png", 32, 3, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90° clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    turned, _ = decode(tmp_path / "turned.png", 32, 3, None)
    assert np.array_equal(turned, np.rot90(image, k=-1, axes=(1, 2)))


def test_sixteen_bits_are_scaled_to_eight_and_floats_refused(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32)
    Image.fromarray(ramp.astype(np.uint16)).save(tmp_path / "deep.png")
    image, _ = decode(tmp_path / "deep.png", 32, 1, None)
    assert np.array_equal(image[0], ramp.astype(np.uint16) // 257)
    Image.fromarray(ramp.astype(np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(ValueError, match="mode F: pixels must have 8 or 16 bits"):
        decode(tmp_path / "float.tif", 32, 1, None)


def test_channels_are_repeated_or_weighted() -> None:
    gray = np.full((2, 1, 4, 4), 7, np.uint8)
    assert np.array_equal(fit_channels(gray, 3), np.full((2, 3, 4, 4), 7))
    color = np.zeros((1, 3, 2, 2), np.uint8)
    color[:, 1] = 100
    assert np.array_equal(fit_channels(color, 1), np.full((1, 1, 2, 2), 59))
    assert fit_channels(color, 3) is color
