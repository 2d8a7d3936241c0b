"""Class folders: their labels, their test split, and what is not a class folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from dcgan.config import DataConfig
from dcgan.data.folders import class_folders
from dcgan.data.preparation import prepare
from dcgan.data.splits import has_test_split, num_classes, read_labeled, read_test_images
from dcgan.errors import UserError
from dcgan.evaluation.classifier import get_classifier


def write(root: Path, names: Sequence[str], values: Sequence[int]) -> None:
    for name in names:
        for number, value in enumerate(values):
            path = root / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), value).save(path)


def folder(root: Path, **settings: str) -> DataConfig:
    return DataConfig(
        source="folder", image_size=8, channels=1, flip=False, root=str(root),
        cache_dir=str(root.parent / "cache"), **settings,  # type: ignore[arg-type]
    )  # fmt: skip


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root / "train", ["cat", "dog"], [10, 20, 30])
    write(root / "test", ["cat", "dog"], [40])
    data = folder(root)
    assert num_classes(data) == 2
    assert has_test_split(data)
    train, test = (read_labeled(data, train=train) for train in (True, False))
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.images[:, 0, 0, 0].tolist() == [10, 20, 30] * 2
    assert torch.equal(train.images, prepare(data).open())
    assert test.labels.tolist() == [0, 1]
    assert test.images.unique().tolist() == [40]
    assert torch.equal(read_test_images(data), test.images)


def test_without_a_test_folder_every_tenth_image_tests_the_classifier(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root, ["a", "b", ".hidden"], range(15))
    data = folder(root)
    assert num_classes(data) == 2
    assert not has_test_split(data)
    train, test = (read_labeled(data, train=train) for train in (True, False))
    assert len(train.images) == len(train.labels) == 27
    assert test.labels.tolist() == [0, 0, 1]
    assert test.images[:, 0, 0, 0].tolist() == [0, 5, 13]  # sorted by name: 0, 1, 10, 11, …
    assert len(prepare(data).open()) == 30  # runs train on all of them


def test_broken_images_have_no_label(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root / "train", ["cat", "dog"], [10, 20, 30])
    write(root / "test", ["cat", "dog"], [40])
    (root / "train/cat/1.png").write_bytes(b"broken")
    data = folder(root, on_corrupt_image="skip")
    prepare(data)
    linked = tmp_path / "linked"
    linked.symlink_to(root)
    for same in (data, replace(data, root=str(linked))):  # one cache, two names
        train = read_labeled(same, train=True)
        assert train.labels.tolist() == [0, 0, 1, 1, 1]
        assert train.images[:, 0, 0, 0].tolist() == [10, 30, 10, 20, 30]


def test_other_folders_have_no_labels(tmp_path: Path) -> None:
    write(tmp_path / "one", ["a"], [0])
    write(tmp_path / "beside", ["a", "b", "."], [0])
    write(tmp_path / "split/train", ["."], [0, 1])
    write(tmp_path / "split/test", ["."], [2])
    for name in ("one", "beside", "split"):
        assert num_classes(folder(tmp_path / name)) == 0
    write(tmp_path / "shared", ["images"], [0])
    (tmp_path / "shared" / "annotations").mkdir()
    assert num_classes(folder(tmp_path / "shared")) == 0
    assert class_folders(tmp_path) == ["beside", "one", "shared", "split"]
    split = folder(tmp_path / "split")
    assert prepare(split).open().ravel().max() == 1
    assert read_test_images(split).unique().tolist() == [2]


def test_other_classes_in_the_test_split_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root / "train", ["cat", "dog"], [0])
    write(root / "test", ["cat", "fox"], [0])
    with pytest.raises(UserError, match=r"test: has the classes cat, fox; must be .*: cat, dog"):
        read_labeled(folder(root), train=False)


def test_a_classifier_of_the_folders_classes_is_trained(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root, ["dark", "gray", "light"], [0])
    for name, low in (("dark", 0), ("gray", 100), ("light", 200)):
        write(root, [name], range(low, low + 10))
    network, accuracy = get_classifier(folder(root), "digest")
    assert network(torch.zeros(1, 1, 8, 8)).shape == (1, 3)
    assert accuracy > 0.9
