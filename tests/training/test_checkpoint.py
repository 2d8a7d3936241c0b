"""One file, whole or not at all; resumed only with the same settings, in a folder of its own."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from dcgan.config.identity import LAST
from dcgan.errors import UserError
from dcgan.training.checkpoint import BEST, load_state, read_for_resume, save_checkpoint
from tests.conftest import Compose
from tests.training.conftest import Build


@pytest.fixture
def run_dir(tmp_path: Path, build: Build) -> Path:
    """The folder of a tiny run that was saved at step 0."""
    save_checkpoint(tmp_path / "run" / LAST, build())
    return tmp_path / "run"


def test_a_checkpoint_is_plain_tensors_and_plain_values(run_dir: Path) -> None:
    content = torch.load(run_dir / LAST, weights_only=True)
    assert content["format_version"] == 1
    assert content["config"]["trainer"]["steps"] == 8
    kinds: set[type] = set()

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                visit(inner)
        else:
            kinds.add(type(value))

    visit(content)
    assert kinds <= {torch.Tensor, int, float, bool, str, type(None)}


def test_an_interrupted_write_keeps_the_old_file(
    run_dir: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run_dir / LAST).read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(run_dir / LAST, build())
    assert (run_dir / LAST).read_bytes() == before
    assert list((run_dir / LAST).parent.iterdir()) == [run_dir / LAST]


def test_a_run_without_steps_left_is_refused_but_in_its_own_folder(
    run_dir: Path, build: Build, tiny: Compose
) -> None:
    state, config = build(), tiny(f"resume={run_dir}")
    for step in (8, 9):
        state.step = step
        save_checkpoint(run_dir / LAST, state)
        with pytest.raises(UserError, match=f"trainer.steps=8: the run is at step {step} already"):
            read_for_resume(config, run_dir.with_name("elsewhere"))
    state.step = 8
    save_checkpoint(run_dir / LAST, state)
    assert read_for_resume(config, run_dir) is not None


def test_the_best_fid_counts_where_its_checkpoint_is(
    run_dir: Path, build: Build, tiny: Compose
) -> None:
    state, config = build(), tiny(f"resume={run_dir}")
    state.best_fid = 3.0
    for path, expected in ((LAST, math.inf), (BEST, 3.0)):
        save_checkpoint(run_dir / LAST, state)
        save_checkpoint(run_dir / path, state)
        checkpoint = read_for_resume(config, run_dir)
        assert checkpoint is not None
        assert checkpoint["best_fid"] == expected


def test_other_data_is_refused(run_dir: Path, build: Build, tiny: Compose) -> None:
    content = read_for_resume(tiny("resume=auto"), run_dir)
    state = build()
    state.data_digest = "another"
    assert content is not None
    with pytest.raises(UserError, match="not the images that the run to resume was started on"):
        load_state(state, content)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, tiny: Compose) -> None:
    path = tmp_path / "last.pt"
    path.touch()
    with pytest.raises(UserError, match="not a readable checkpoint"):
        read_for_resume(tiny(f"resume={path}"), tmp_path / "run")
    torch.save({"format_version": 0}, path)
    with pytest.raises(UserError, match="checkpoint format 0; this version reads 1"):
        read_for_resume(tiny(f"resume={path}"), tmp_path / "run")


def test_what_resume_names(run_dir: Path, tiny: Compose) -> None:
    def step(resume: str, folder: Path) -> int | None:
        checkpoint = read_for_resume(tiny(f"resume={resume}"), folder)
        return None if checkpoint is None else int(checkpoint["step"])

    new = run_dir.with_name("new")
    assert step("null", new) is None
    assert step("auto", new) is None
    assert step("auto", run_dir) == 0
    for name in (run_dir, run_dir / LAST):
        assert step(str(name), run_dir) == step(str(name), new) == 0
    with pytest.raises(UserError, match="there is a run already; resume=auto resumes it"):
        step("null", run_dir)


def test_a_folder_of_foreign_files_is_refused(tmp_path: Path, tiny: Compose) -> None:
    refused = pytest.raises(UserError, match=r"holds files that are no run's \(config.yaml, ten")
    for name in ("config.yaml", "tensorboard"):
        (tmp_path / name).write_text("name: another project")
    for resume in ("null", "auto"):
        with refused:
            read_for_resume(tiny(f"resume={resume}"), tmp_path)
    # What a run left that ended before its first checkpoint may be overwritten.
    (tmp_path / "config.yaml").write_text("upsample: {kind: resize}")
    assert read_for_resume(tiny(), tmp_path) is None
