"""The classifier learns, is cached, and is the same for the same data."""

import errno
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from PIL import Image

from dcgan.config import DataConfig
from dcgan.data.splits import read_labeled
from dcgan.errors import MachineError
from dcgan.evaluation.classifier import (
    RECIPE,
    Classifier,
    accuracy_of,
    get_classifier,
    train_classifier,
)
from tests.conftest import real_data


def digits(cache_dir: Path, **settings: int) -> DataConfig:
    size = {"image_size": 8, "channels": 1, "num_images": 2000, **settings}
    return DataConfig(source="digits", flip=False, cache_dir=str(cache_dir), **size)  # type: ignore[arg-type]


@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 64), (1, 8), (3, 28)])
def test_any_image_size_is_accepted(channels: int, size: int) -> None:
    network = Classifier(channels).eval()
    images = torch.zeros(2, channels, size, size)
    assert network.features(images).shape == (2, 128)
    assert network(images).shape == (2, 10)
    assert network.features(images).min() >= 0


def test_the_classifier_learns_is_cached_and_leaves_the_random_state_alone(
    tmp_path: Path,
) -> None:
    data = digits(tmp_path)
    before = torch.get_rng_state()
    trained, accuracy = get_classifier(data, "digest")
    assert torch.equal(torch.get_rng_state(), before)
    assert accuracy > 0.95
    (file,) = tmp_path.glob("classifier-*.pt")
    written = file.stat().st_mtime_ns
    again, same_accuracy = get_classifier(data, "digest")
    assert file.stat().st_mtime_ns == written
    assert same_accuracy == accuracy
    for a, b in zip(trained.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_same_data_give_the_same_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPE, "min_steps", 20)
    data = read_labeled(digits(tmp_path, num_images=300), train=True)
    first, second = train_classifier(data), train_classifier(data)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_test_split_of_digits_has_other_transforms_of_the_same_digits(tmp_path: Path) -> None:
    data = digits(tmp_path)
    train, test = (read_labeled(data, train=train) for train in (True, False))
    assert torch.equal(train.labels[:1797], test.labels[:1797])
    assert not torch.equal(train.images[:1797], test.images[:1797])
    assert sorted(train.labels.unique().tolist()) == list(range(10))


def test_a_damaged_classifier_is_trained_again_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trained = []
    classifier = "dcgan.evaluation.classifier"
    monkeypatch.setattr(f"{classifier}.read_labeled", lambda *_, **__: None)
    monkeypatch.setattr(f"{classifier}.accuracy_of", lambda *_: 0.5)

    def train(*_: object) -> Classifier:
        trained.append(1)
        return Classifier(1)

    monkeypatch.setattr(f"{classifier}.train_classifier", train)
    data = digits(tmp_path)
    get_classifier(data, "digest")
    (path,) = tmp_path.glob("classifier-*.pt")
    good, content = path.read_bytes(), torch.load(path, weights_only=True)
    name = "to_logits.bias"
    for damaged in (
        b"",
        good[:-100],
        bytes([*good[:5000], good[5000] ^ 1, *good[5001:]]),
        [content],
        {"network": content["network"]},
        {**content, "accuracy": 1.5},
        {**content, "network": {**content["network"], name: torch.full((10,), torch.nan)}},
        {**content, "network": {**content["network"], name: torch.zeros(9)}},
        {**content, "network": {**content["network"], "more": torch.zeros(9)}},
    ):
        path.write_bytes(damaged) if isinstance(damaged, bytes) else torch.save(damaged, path)
        trained.clear()
        caplog.clear()
        for _ in range(2):
            assert get_classifier(data, "digest")[1] == 0.5
        assert len(trained) == 1
        (warning,) = [r.message for r in caplog.records if r.levelname == "WARNING"]
        assert warning.startswith(f"{path}: not a")
        assert warning.endswith("; training it again")


def test_a_moved_file_is_learned_anew_and_a_read_only_cache_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = "dcgan.evaluation.classifier"
    monkeypatch.setattr(f"{classifier}.read_labeled", lambda *_, **__: None)
    monkeypatch.setattr(f"{classifier}.accuracy_of", lambda *_: 0.5)
    monkeypatch.setattr(f"{classifier}.train_classifier", lambda _, classes: Classifier(1, classes))
    root, cache = tmp_path / "data", tmp_path / "cache"
    for i, name in enumerate(["cat", "cat", "cat", "dog", "dog"]):
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (16, 16), i).save(root / name / f"{i}.png")
    data = DataConfig(
        source="folder", image_size=16, channels=1, flip=False, root=str(root), cache_dir=str(cache)
    )
    get_classifier(data, "digest")
    (root / "cat" / "2.png").rename(root / "dog" / "2.png")
    get_classifier(data, "digest")  # the images are the same, in the same order
    assert len(list(cache.glob("classifier-*.pt"))) == 2

    def refuse(_: FileLock) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert get_classifier(data, "digest")[1] == 0.5
    with pytest.raises(MachineError, match=r"^data.cache_dir=.*cache: Read-only"):
        get_classifier(data, "other digest")


@pytest.mark.slow
def test_accuracy_on_mnist_is_99_percent(tmp_path: Path) -> None:
    root = str(real_data("MNIST").parent)
    data = DataConfig(
        source="mnist", image_size=32, channels=1, flip=False, root=root, cache_dir=str(tmp_path)
    )
    network = train_classifier(read_labeled(data, train=True))
    assert accuracy_of(network, read_labeled(data, train=False)) >= 0.99
