"""Class shares; the scores of good and bad images; data without labels."""

from pathlib import Path

import pytest
import torch

from dcgan.config import DataConfig
from dcgan.data.splits import read_labeled
from dcgan.errors import UserError
from dcgan.evaluation.assessment import assess, class_shares
from dcgan.evaluation.classifier import RECIPE
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out
from dcgan.pictures import normalize

PHOTOS = DataConfig(source="photos", image_size=16, channels=3, flip=False, num_images=8)


def test_class_shares_count_the_most_likely_classes() -> None:
    probabilities = torch.eye(10)[[0, 0, 3, 9]]
    assert class_shares(probabilities).tolist() == [0.5, 0, 0, 0.25, 0, 0, 0, 0, 0, 0.25]


def test_real_images_score_well_and_noise_badly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPE, "min_steps", 120)  # enough for digits
    data = DataConfig(
        source="digits", image_size=16, channels=1, flip=False, num_images=2000,
        cache_dir=str(tmp_path),
    )  # fmt: skip
    extractor = get_extractor(data, "digest")
    assert extractor.recipe["kind"] == "classifier"
    assert extractor.recipe["version"] >= 1
    training = read_labeled(data, train=True).images
    test = held_out(data, training, 500)
    real = extractor.extract(test)
    good = assess(normalize(training[:500]), test, real, extractor)
    noise = torch.rand(500, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    bad = assess(noise, test, real, extractor)
    assert good.numbers["fid"] < bad.numbers["fid"] / 10
    assert good.numbers["kid"] < bad.numbers["kid"] / 10
    assert good.numbers["precision"] > 0.7 > bad.numbers["precision"]
    assert good.numbers["recall"] > 0.7 > bad.numbers["recall"]
    assert good.numbers["class_kl"] < 0.05 < bad.numbers["class_kl"]
    assert good.probabilities is not None
    assert good.probabilities.shape == (500, 10)
    assert good.numbers.keys() == bad.numbers.keys() >= {"confidence", "r2_over_real", "pec2"}


def test_without_inception_unlabeled_data_are_refused_with_instructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable(**_: object) -> None:
        raise ModuleNotFoundError("torch-fidelity is not installed")

    monkeypatch.setattr("torchmetrics.image.fid.FrechetInceptionDistance", unavailable)
    with pytest.raises(UserError, match="pip install torch-fidelity, and without") as error:
        get_extractor(PHOTOS, "digest")
    assert "torch-fidelity is not installed" in str(error.value)
    assert "\n" not in str(error.value)


def test_without_features_patches_and_the_checkerboard_are_scored() -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.rand(40, 3, 32, 32, generator=random) * 2 - 1
    scored = assess(images[:20], images[20:], None, None)
    assert scored.probabilities is None
    assert scored.numbers.keys() == {
        *("patches", "patches_coarse", "r2_over_real", "r4_over_real", "pec2", "pec4")
    }


def test_without_a_test_split_training_images_are_used() -> None:
    training = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    assert torch.equal(held_out(PHOTOS, training, 99), normalize(training))
