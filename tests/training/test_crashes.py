"""After a full disk, a crash or a power cut, what a run says and what it has saved are right."""

import errno
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dcgan.config.identity import LAST
from dcgan.networks.checkpoint import read_checkpoint
from dcgan.training.checkpoint import BEST, load_state, read_for_resume, save_checkpoint
from dcgan.training.recorder import Recorder
from dcgan.training.step import train_step
from dcgan.training.tracking import Tracker
from tests.conftest import Compose
from tests.training.conftest import Build

FULL = "/dev/full"
needs_full_disk = pytest.mark.skipif(not Path(FULL).exists(), reason=f"no {FULL}")


def fill_disk(recorder: Recorder) -> None:
    """Let metrics.jsonl hold a line that cannot be written."""
    tracker: Any = recorder._tracker
    tracker._metrics.close()
    tracker._metrics = Path(FULL).open("a", encoding="utf-8")  # noqa: SIM115
    tracker.metrics(1, {"loss": 0.0})


@needs_full_disk
@pytest.mark.parametrize("path", ["a/last.pt", None])
def test_a_full_disk_is_reported_with_the_path_of_the_first_failure(
    tmp_path: Path, build: Build, path: str | None
) -> None:
    """Closing metrics.jsonl fails too, but the first error is the one to report."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    refused, opened = pytest.raises(OSError, match="No space"), Recorder(build(), tmp_path).opened()
    with refused as raised, opened as recorder:
        fill_disk(recorder)
        raise full
    assert raised.value is full
    assert full.filename == (path or str(tmp_path))


@needs_full_disk
def test_a_disk_that_is_full_when_the_files_are_closed_is_reported_with_the_folder(
    tmp_path: Path, build: Build
) -> None:
    refused, opened = pytest.raises(OSError, match="No space"), Recorder(build(), tmp_path).opened()
    with refused as raised, opened as recorder:
        fill_disk(recorder)
    assert raised.value.filename == str(tmp_path)


def test_metrics_reach_the_disk_before_the_checkpoint_that_follows_them(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut, metrics.jsonl has all lines up to last.pt's step."""
    state, synced, fsync = build(), list[int](), os.fsync

    def noted(number: int) -> None:
        synced.append(os.fstat(number).st_ino)
        fsync(number)

    with Recorder(state, tmp_path).opened() as recorder:
        monkeypatch.setattr(os, "fsync", noted)
        recorder.record(train_step(state), frozenset(["log", "checkpoint"]))
        monkeypatch.undo()
    paths = (tmp_path / "metrics.jsonl", tmp_path / LAST)
    assert synced == [path.stat().st_ino for path in paths]


def test_a_best_checkpoint_of_a_later_step_is_discarded_on_resume(
    tmp_path: Path, build: Build, tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, result.json would report the best FID of one step, and best.pt be of another."""
    fids = iter([9.0, 5.0, 7.0])
    meter: Any = SimpleNamespace(measure=lambda: next(fids))
    monkeypatch.setattr("dcgan.training.recorder.FidMeter", lambda _: meter)
    options = ("trainer.checkerboard_images=0", "trainer.fid_every=1")
    state = build(*options)
    with Recorder(state, tmp_path).opened() as recorder:
        recorder.record(train_step(state), frozenset(["fid", "checkpoint"]))
        recorder.record(train_step(state), frozenset(["fid"]))  # then a crash
    assert [read_checkpoint(tmp_path / path)["step"] for path in (LAST, BEST)] == [1, 2]

    state = build(*options)
    checkpoint = read_for_resume(tiny(*options, "resume=auto"), tmp_path)
    assert checkpoint is not None
    load_state(state, checkpoint)
    with Recorder(state, tmp_path).opened() as recorder:
        assert not (tmp_path / BEST).exists()
        assert "best_fid" not in recorder.finish()
        recorder.record(train_step(state), frozenset(["fid", "checkpoint"]))
        assert recorder.finish()["best_fid"] == 7
    again = read_for_resume(tiny(*options, "resume=auto"), tmp_path)
    assert again is not None
    assert again["best_fid"] == read_checkpoint(tmp_path / BEST)["best_fid"] == 7


def test_another_runs_best_checkpoint_in_the_folder_does_not_count(
    tmp_path: Path, build: Build, tiny: Compose
) -> None:
    """A run that ended between best.pt and its first last.pt, and whose folder is used again."""
    state, first, second = build("trainer.checkerboard_images=0"), tmp_path / "1", tmp_path / "2"
    state.best_fid = 5.0
    with Recorder(state, second).opened():
        save_checkpoint(second / BEST, state)
    train_step(state)
    save_checkpoint(first / LAST, state)
    checkpoint = read_for_resume(tiny(f"resume={first}"), second)
    assert checkpoint is not None
    assert checkpoint["best_fid"] == math.inf


def test_a_run_that_is_resumed_in_a_new_folder_has_the_real_images_there(
    tmp_path: Path, build: Build
) -> None:
    state = build("trainer.num_samples=2")
    train_step(state)
    save_checkpoint(tmp_path / "first" / LAST, state)
    state = build("trainer.num_samples=2")
    load_state(state, read_checkpoint(tmp_path / "first" / LAST))
    run_dir = tmp_path / "second"
    with Recorder(state, run_dir).opened():
        pass
    for folder in ("samples", "checkerboard"):  # the networks at step 0 are not known
        assert [path.stem for path in (run_dir / folder).iterdir()] == ["real"]
    events = EventAccumulator(str(run_dir / "tensorboard"))
    events.Reload()
    assert "1_images/real" in events.Tags()["images"]
    assert "config/text_summary" in events.Tags()["tensors"]

    Tracker(run_dir, batch_size=8, resume_step=1).close()  # resumed there: they stay
    assert (run_dir / "samples" / "real.png").is_file()
