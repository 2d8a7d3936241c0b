"""What every command shares: folders, messages, settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from dcgan.commands.app import config_folder, run_folder, to_dataclass
from dcgan.config import SampleConfig
from dcgan.errors import UserError


def test_a_new_run_gets_its_own_folder_and_a_resumed_one_its_old(tmp_path: Path) -> None:
    def folder(resume: str | None, seed: int = 0) -> Path:
        return Path(run_folder(resume, seed, str(tmp_path), "new"))

    assert folder(None) == folder("auto") == tmp_path / "new"
    last = tmp_path / "old" / "checkpoints" / "last.pt"
    last.parent.mkdir(parents=True)
    last.touch()
    (tmp_path / "old" / "config.yaml").write_text("seed: 0")
    assert folder("auto") == tmp_path / "old"
    assert folder("auto", seed=1) == tmp_path / "new"
    assert folder(str(tmp_path / "old")) == folder(str(last)) == tmp_path / "old"
    assert folder(str(tmp_path / "missing")) == tmp_path / "new"


def test_settings_become_a_dataclass_or_one_line() -> None:
    good = OmegaConf.create({"checkpoint": "run", "num_images": 4})
    assert to_dataclass(good, SampleConfig) == SampleConfig(checkpoint="run", num_images=4)
    for changed, message in (
        ({"num_imags": 3}, "num_imags: no such setting; there are checkpoint, num_images, seeds"),
        ({"num_images": "many"}, "num_images: Value 'many' of type 'str' could not be converted"),
        ({"num_images": 0}, "num_images=0: must be at least 1"),
    ):
        with pytest.raises(UserError, match=message) as refusal:
            to_dataclass(OmegaConf.create({"checkpoint": "run"} | changed), SampleConfig)
        assert "\n" not in str(refusal.value)
    with pytest.raises(UserError, match="checkpoint is not set: give checkpoint=VALUE"):
        to_dataclass(OmegaConf.create({"checkpoint": "???", "num_images": 4}), SampleConfig)


def test_a_fault_of_the_program_has_an_exit_status_of_its_own(tmp_path: Path) -> None:
    faulty = "from dcgan.commands.app import command; command('report', lambda *_: 1 / 0, 'json')()"
    call = [sys.executable, "-c", faulty, "runs=.", "hydra.run.dir=out"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == os.EX_SOFTWARE == 70
    assert "\nTraceback" in done.stderr
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_configs_are_found_installed_or_beside_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_folder() == "pkg://dcgan.configs"
    monkeypatch.setattr("dcgan.commands.app.find_spec", lambda _: None)
    assert (Path(config_folder()) / "train.yaml").is_file()
