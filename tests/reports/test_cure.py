"""dcgan-cure on runs that are clean, labeled or too small; and which cure it recommends."""

from pathlib import Path

import pytest
import torch

from dcgan.checkerboard.judgement import PeriodJudgement
from dcgan.config import CureConfig
from dcgan.errors import UserError
from dcgan.evaluation.features import Extractor, Features
from dcgan.networks import Generator
from dcgan.pictures import save_picture
from dcgan.reports.cure import Cure, candidates_for, recommended, write_cure
from dcgan.reports.page import render
from dcgan.training.loop import train
from tests.conftest import TINY, Compose


def test_a_clean_run_needs_no_cure(tmp_path: Path, compose_train: Compose) -> None:
    words = ("upsample=transposed_k4_balanced", "data.image_size=32")
    train(compose_train(*TINY, *words), tmp_path / "run", "again")
    config = CureConfig(checkpoint=str(tmp_path / "run"), num_images=64)
    (tmp_path / "cured").mkdir()
    (tmp_path / "cured" / "cured.png").write_text("of another run")
    assert write_cure(config, tmp_path / "cured")["recommended"] == "nothing"
    assert [path.name for path in (tmp_path / "cured").iterdir()] == ["result.json"]


def test_labeled_data_get_a_fid(
    tmp_path: Path, compose_train: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = Extractor(lambda images: Features(images.flatten(1)[:, ::64], None), {})
    monkeypatch.setattr("dcgan.reports.cure.get_extractor", lambda *_: extractor)
    words = ("data=digits", "data.num_images=500", "data.image_size=32")
    train(compose_train(*TINY, *words), tmp_path / "run", "again")
    config = CureConfig(checkpoint=str(tmp_path / "run"), num_images=64)
    fids = [cure.fid for cure in write_cure(config, tmp_path / "cured")["cures"]]
    assert min(fids) > 0
    assert len(set(fids)) == len(fids)


def test_the_run_is_fine_tuned_on_its_data_where_they_are_now(
    tmp_path: Path, compose_train: Compose
) -> None:
    before, now = tmp_path / "before", tmp_path / "now"
    before.mkdir()
    for i in range(32):
        save_picture(torch.rand(3, 16, 16) * 2 - 1, before / f"{i}.png")
    words = ("data=folder", f"data.root={before}", "data.image_size=16", "data.num_images=null")
    train(compose_train(*TINY, *words), tmp_path / "run", "again")
    before.rename(now)
    config = CureConfig(checkpoint=str(tmp_path / "run"), num_images=32, root=str(now))
    assert write_cure(config, tmp_path / "cured")["config"]["data"]["root"] == str(now)


def test_images_without_a_score_are_refused(tmp_path: Path, compose_train: Compose) -> None:
    train(compose_train(*TINY, "data.image_size=8"), tmp_path / "run", "again")
    config = CureConfig(checkpoint=str(tmp_path / "run"), num_images=64)
    with pytest.raises(UserError, match="images below 16 pixels are not scored"):
        write_cure(config, tmp_path / "cured")
    assert not (tmp_path / "cured").exists()


def cure(name: str, ratio: float, change: float, detail: float = 1, raw: float = 2) -> Cure:
    """A cure that leaves this ratio for period 2."""
    return Cure(name, [PeriodJudgement(2, raw, ratio, 0, 99, 0, 1)], change, detail, None)


def test_the_smallest_change_that_is_clean_is_recommended() -> None:
    cures = [cure("nothing", 10, 0), cure("much", 0.1, 0.5), cure("little", 2.9, 0.1)]
    assert recommended(cures) == cures[2]
    assert recommended([cure("noisy", 1, 0.05, detail=2), *cures]) == cures[2]
    assert recommended(cures[:1]) is None
    faint = cure("faint", 10, 0, raw=0.9)  # real images have almost no power there
    assert recommended([faint, *cures]) == faint


def test_only_possible_cures_are_tried_and_statistics_are_updated(compose_train: Compose) -> None:
    config = compose_train(*TINY, "data.image_size=32", "upsample=transposed_k2")
    generator = Generator(config.generator, config.upsample, image_size=32, channels=3)
    latents = torch.randn(64, generator.latent_size)
    found = candidates_for(generator, latents)
    assert not [name for name in found if "order 2" in name and "balanced" in name]  # of kernel 2
    assert {"last block balanced, order 1", "all blocks balanced, order 1"} <= set(found)
    mean = generator.state_dict()["layers.norm2.running_mean"]
    last, every = (
        found[f"{name} balanced, order 1"].state_dict() for name in ("last block", "all blocks")
    )
    assert torch.equal(last["layers.norm2.running_mean"], mean)
    assert not torch.equal(every["layers.norm2.running_mean"], mean)
    assert all("parametrizations" not in name for name in every)


def test_every_number_has_its_heading() -> None:
    periods = [PeriodJudgement(2, 2, 7.5, 5, 9, 0, 1), PeriodJudgement(4, 2, 3.5, 2, 4, 0, 1)]
    for count, headings in ((1, ["R₂"]), (2, ["R₂", "R₄"])):
        cures = [Cure("nothing", periods[:count], 0.125, 1, 4.5)]
        text = render("cure.txt", cures=cures, recommended=None, run_dir="out", training=None)
        head, line = text.splitlines()[:2]
        for name, number in zip(headings, ("7.5", "3.5"), strict=False):
            assert head.index(name) == line.index(number)
        assert head.index("change") == line.index("0.125")
        assert head.index("FID") == line.index("4.5", line.index("100 %"))
