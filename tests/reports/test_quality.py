"""The picture that dcgan-evaluate writes."""

import math
import shutil
from pathlib import Path

import pytest
import torch

from dcgan.config import EvaluateConfig
from dcgan.errors import UserError
from dcgan.evaluation.features import Extractor, Features
from dcgan.evaluation.heldout import held_out, read_run
from dcgan.evaluation.memorization import nearest
from dcgan.pictures import normalize, save_picture
from dcgan.reports.quality import by_class, write_evaluation
from dcgan.training.loop import train
from tests.conftest import Compose


def test_each_class_is_a_column_and_copies_are_above_their_originals() -> None:
    training = torch.arange(0, 240, 12, dtype=torch.uint8).view(20, 1, 1, 1)
    images = normalize(training).add(torch.linspace(0, 0.01, 20).view(20, 1, 1, 1))
    classes = torch.tensor([3] * 12 + [5] * 8)
    near = nearest(images, training)
    rows = by_class(images, classes, 10, near, training).view(-1, 10)
    assert len(rows) == 10 + 1 + 2 * 3
    torch.testing.assert_close(rows[:10, 3], images.flatten()[:10])
    torch.testing.assert_close(rows[:10, 5], torch.cat([images.flatten()[12:], torch.ones(2)]))
    pairs = rows[11:].view(3, 2, 10)
    torch.testing.assert_close(pairs[:, 0, 5], images.flatten()[12:15])  # the closest copies
    torch.testing.assert_close(pairs[:, 1, 5], normalize(training).flatten()[12:15])
    empty = [column for column in range(10) if column not in (3, 5)]
    assert (rows[:, empty] == 1).all()
    assert by_class(images, classes, 4, None, training).shape == (40, 1, 1, 1)


def test_the_nearest_training_images_are_those_of_truly_held_out_data(
    tmp_path: Path, tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = Extractor(lambda images: Features(images.flatten(1)[:, ::64], None), {})
    monkeypatch.setattr("dcgan.reports.quality.get_extractor", lambda *_: extractor)
    random = torch.Generator().manual_seed(0)
    for part, count in (("train", 40), ("test", 20)):
        for kind in ("a", "b"):
            folder = tmp_path / "data" / part / kind
            folder.mkdir(parents=True)
            for i in range(count):
                save_picture(torch.rand(3, 16, 16, generator=random) * 2 - 1, folder / f"{i}.png")
    small = ("data=folder", f"data.root={tmp_path}/data", "data.image_size=16")
    train(tiny(*small, "data.num_images=null"), tmp_path / "run", "again")
    config = EvaluateConfig(checkpoint=str(tmp_path / "run"), num_images=32, seeds=[0, 1])
    found = write_evaluation(config, tmp_path / "out")
    known = read_run(tmp_path / "run")[2]
    near = nearest(held_out(read_run(tmp_path / "run")[1], known, 32), known)[0].median().item()
    assert found["held_out"] == "test split"
    assert found["real_training_images"]["nearest_training"] == pytest.approx(near)
    assert len(found["scores"]["nearest_training"]["values"]) == 2
    assert "nearest training" in found["table"]
    ratio = found["scores"]["r2_over_real"]  # averaged geometrically, so the interval stays above 0
    assert ratio["mean"] == pytest.approx(math.prod(ratio["values"]) ** 0.5)
    assert 0 < ratio["low"] < ratio["mean"] < ratio["high"]


def test_a_run_from_another_machine_is_read_and_a_single_image_is_not_scored(
    tmp_path: Path, tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    for i in range(3):
        save_picture(torch.rand(3, 16, 16) * 2 - 1, tmp_path / "data" / f"{i}.png")
    folder = ("data=folder", f"data.root={tmp_path}/data", "data.num_images=null")
    words = ("data.image_size=16", "trainer.batch_size=1", f"data.cache_dir={tmp_path}/theirs")
    train(tiny(*folder, *words), tmp_path / "run", "again")
    shutil.rmtree(tmp_path / "theirs")  # not on this machine
    config = EvaluateConfig(checkpoint=str(tmp_path / "run"), num_images=2, seeds=[0])
    with pytest.raises(UserError, match=r"1 training and 2 held-out images; at least 2 of each"):
        write_evaluation(config, tmp_path / "out")
    assert not (tmp_path / "theirs").exists()
    assert list((tmp_path / ".cache" / "dcgan").glob("*.npy"))
