"""Where a run that is resumed lies."""

import os
from dataclasses import asdict, replace
from pathlib import Path

import yaml

from dcgan.config import TrainConfig
from dcgan.config.identity import LAST, folder_of_run, identity_settings
from tests.conftest import Compose


def save(folder: Path, config: TrainConfig, time: int) -> Path:
    """Leave what a run leaves behind."""
    (folder / LAST).parent.mkdir(parents=True)
    (folder / LAST).touch()
    os.utime(folder / LAST, (time, time))
    (folder / "config.yaml").write_text(yaml.safe_dump(asdict(config)))
    return folder


def test_auto_is_the_newest_run_with_these_settings(tmp_path: Path, tiny: Compose) -> None:
    auto, new = tiny("resume=auto", "trainer.steps=99"), tmp_path / "new"
    assert folder_of_run(auto, new) == new
    older = save(tmp_path / "older", tiny(), 2)
    save(tmp_path / "oldest", tiny(), 1)
    save(tmp_path / "other recipe", tiny("trainer.beta2=0.9"), 3)
    save(tmp_path / "other seed", tiny("seed=1"), 4)
    save(tmp_path / "damaged", tiny(), 5).joinpath("config.yaml").write_text("[")
    assert folder_of_run(auto, new) == older
    assert folder_of_run(tiny(), new) == new


def test_auto_precision_is_either_and_a_given_one_is_itself(tmp_path: Path, tiny: Compose) -> None:
    run = save(tmp_path / "run", tiny("trainer.precision=bf16-mixed"), 1)
    for precision, found in (("auto", True), ("bf16-mixed", True), ("32-true", False)):
        config = tiny("resume=auto", f"trainer.precision={precision}")
        assert (folder_of_run(config, tmp_path / "new") == run) is found


def test_a_path_is_the_runs_own_folder(tmp_path: Path, tiny: Compose) -> None:
    run, new = save(tmp_path / "run", tiny(), 1), tmp_path / "new"
    for path, folder in ((run, run), (run / LAST, run), (tmp_path / "missing", new)):
        assert folder_of_run(replace(tiny(), resume=str(path)), new) == folder


def test_what_makes_a_run_this_run(tiny: Compose) -> None:
    settings = identity_settings(asdict(tiny("resume=auto")))
    assert settings["trainer.beta2"] == 0.99
    assert not {"resume", "trainer.steps", "data.cache_dir", "data.root"} & settings.keys()
