"""Published data sets in their usual layouts, and the messages when files are missing."""

import errno
import gzip
import os
import pickle
import re
import shutil
import struct
import tarfile
import tempfile
import threading
from functools import partial
from hashlib import md5
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import CIFAR10, MNIST

from dcgan.config import DataConfig
from dcgan.data.decoding import decode
from dcgan.data.labeled import read_images, read_labeled_set
from dcgan.data.sources import find_source
from dcgan.errors import MachineError, UserError
from tests.conftest import real_data
from tests.damage import EXAMPLES, damaged


def settings(source: str, root: Path, **changes: object) -> DataConfig:
    values = {"image_size": 32, "channels": 3, "flip": False, "root": str(root), **changes}
    return DataConfig(source=source, **values)  # type: ignore[arg-type]


def write_idx(folder: Path) -> np.ndarray:
    """Write MNIST's files with noise: 12 training and 4 test images."""
    folder.mkdir(parents=True, exist_ok=True)
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
    folder.mkdir(parents=True, exist_ok=True)
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


@pytest.fixture
def any_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torchvision read files other than the published ones."""
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda _: True)
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": None})


@pytest.mark.usefixtures("any_cifar10")
@pytest.mark.parametrize(
    "place", ["cifar-10-batches-py", "cifar-10-python/cifar-10-batches-py", "."]
)
def test_cifar10_is_read_unchanged(tmp_path: Path, place: str) -> None:
    originals = write_cifar10(tmp_path / place)
    assert np.array_equal(read_images(settings("cifar10", tmp_path)), originals)
    with pytest.raises(UserError, match=r"cifar10 images are never resized; must be 32$"):
        find_source(settings("cifar10", tmp_path, image_size=64))


@pytest.mark.usefixtures("any_cifar10")
def test_cifar10_is_read_from_its_archive(tmp_path: Path) -> None:
    originals = write_cifar10(tmp_path / "cifar-10-batches-py")
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "cifar-10-batches-py", "cifar-10-batches-py")
    shutil.rmtree(tmp_path / "cifar-10-batches-py")
    assert np.array_equal(read_images(settings("cifar10", tmp_path)), originals)
    assert [path.name for path in tmp_path.iterdir()] == ["cifar-10-python.tar.gz"]


def compress(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def test_a_failing_disk_is_not_called_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    write_idx(tmp_path)
    monkeypatch.setattr(MNIST, "_load_data", fail)
    with pytest.raises(MachineError, match=r"cannot be read \(.*Input/output error"):
        read_images(settings("mnist", tmp_path))


@pytest.mark.parametrize("compressed", [0, 2, 4])
@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "raw", "."])
def test_mnist_is_found_in_its_usual_layouts(tmp_path: Path, place: str, compressed: int) -> None:
    originals = write_idx(tmp_path / place)
    for path in sorted((tmp_path / place).glob("*-ubyte"))[:compressed]:
        compress(path)
    before = sorted(tmp_path.rglob("*"))
    data = settings("mnist", tmp_path, channels=1)
    assert np.array_equal(read_images(data)[:, 0, 2:-2, 2:-2], originals)
    assert len(read_labeled_set(data, train=False).labels) == 4
    assert sorted(tmp_path.rglob("*")) == before


def test_mnist_and_fashion_mnist_are_not_confused(tmp_path: Path) -> None:
    write_idx(tmp_path / "MNIST" / "raw")
    path = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    root = tmp_path / "MNIST"
    first = {"mnist": bytes([5, 0, 4, 1, 9, 2, 1, 3]), "fashion_mnist": b"\x09\0\0\3\0\2\7\2"}
    for source, other in (("mnist", "fashion_mnist"), ("fashion_mnist", "mnist")):
        path.write_bytes(path.read_bytes()[:8] + first[source] + path.read_bytes()[16:])
        assert len(read_images(settings(source, root, channels=1))) == 12
        with pytest.raises(UserError, match=f"{other} files in .*these are the files of "):
            read_images(settings(other, root))


def test_inconsistent_labels_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path)
    data = settings("mnist", tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte"
    content = labels.read_bytes()
    labels.write_bytes(content[:-1] + b"\x63")
    with pytest.raises(UserError, match=r"cannot read the mnist files in .*other than 0 to 9"):
        read_images(data)
    labels.write_bytes(struct.pack(">II", 0x801, 11) + content[8:-1])
    with pytest.raises(UserError, match=r"11 labels for images of shape \(12, 1, 28, 28\)"):
        read_images(data)


@given(data=st.data())
@EXAMPLES
def test_damaged_files_are_refused_or_read(tmp_path: Path, data: st.DataObject) -> None:
    write_idx(tmp_path)
    name = data.draw(st.sampled_from(["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]))
    path = tmp_path / name
    if data.draw(st.booleans()):
        compress(path)
        path = path.with_name(f"{name}.gz")
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    try:
        images = read_images(settings("mnist", tmp_path, channels=1))
    except UserError:
        path.unlink()
        return
    path.unlink()
    assert images.shape[1:] == (1, 32, 32)


def test_missing_files_are_downloaded_by_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Serve MNIST's archives locally, and let torchvision download them."""
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


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("mnist", "train-images-idx3-ubyte, .*MNIST/raw, then run the same command again"),
        ("fashion_mnist", "FashionMNIST/raw, then run the same command again"),
        ("cifar10", "data_batch_1, .*cifar-10-batches-py, then run the same command again"),
        ("celeba", "img_align_celeba.zip .*000001.jpg exists, then run the same command again"),
    ],
)
def test_without_a_network_the_message_says_which_files_go_where(
    tmp_path: Path, source: str, place: str
) -> None:
    for root in (tmp_path, tmp_path / "new" / "root"):
        with pytest.raises(UserError, match=place) as refusal:
            find_source(settings(source, root))
        assert "found: nothing" in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_download_that_fails_halfway_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: MNIST) -> None:
        Path(self.raw_folder).mkdir(parents=True)
        Path(self.raw_folder, "train-images-idx3-ubyte.gz").write_bytes(b"half")
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(MNIST, "download", fail)
    write_idx(tmp_path / "MNIST" / "raw")
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        UserError, match=r"\(found: MNIST\).*peer\). Place t10k-labels-idx1-ubyte in"
    ):
        find_source(settings("mnist", tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_as_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mnist.zip").write_bytes(b"")
    for source in ("mnist", "celeba", "folder"):
        with pytest.raises(UserError, match=r"data\.root=.*zip: is a file; must be a folder"):
            find_source(settings(source, tmp_path / "mnist.zip"))


def test_celeba_that_is_not_unpacked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "img_align_celeba.zip").write_bytes(b"")
    with pytest.raises(UserError, match=r"img_align_celeba\.zip is not unpacked\. Unpack "):
        find_source(settings("celeba", tmp_path))


@pytest.mark.parametrize(
    "layout",
    [
        "celeba/img_align_celeba",
        "img_align_celeba",
        "img_align_celeba/img_align_celeba",
        "celeba",
        ".",
    ],
)
def test_celeba_images_are_cropped_to_the_center_and_resized(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / layout
    folder.mkdir(parents=True, exist_ok=True)
    # White in the center 178 rows of 218 (20 to 197), red outside, where the crop must not reach.
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


def test_a_full_disk_while_unpacking_is_the_machines_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_idx(tmp_path / "MNIST" / "raw")
    for path in (tmp_path / "MNIST" / "raw").iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(MachineError, match=rf"{tempfile.gettempdir()}.*: No space left on device"):
        read_labeled_set(settings("mnist", tmp_path), train=True)


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(
        UserError, match=rf"data\.root={re.escape(str(tmp_path))}: .*Permission denied"
    ):
        find_source(settings("mnist", tmp_path))
