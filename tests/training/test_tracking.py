"""What a run writes, and what a resumed run deletes first."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dcgan.errors import UserError
from dcgan.training.records import read_metrics
from dcgan.training.tracking import Tracker


def events(run_dir: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(run_dir / "tensorboard"), size_guidance={"images": 0})
    accumulator.Reload()
    return accumulator


def test_metrics_and_pictures_go_to_files_and_to_tensorboard(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, batch_size=8)
    tracker.text("config", "seed: 0\ndata:\n  source: digits")
    tracker.images(torch.zeros(4, 1, 8, 8))
    for step in (5, 10):
        tracker.metrics(step, {"d_real": step / 2})
        tracker.images(torch.zeros(4, 1, 8, 8), step)
        assert (tmp_path / "samples" / f"{step:06d}.png").is_file()
    tracker.close()
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [(line["step"], line["images_seen"]) for line in lines] == [(5, 40), (10, 80)]
    written = events(tmp_path)
    assert [line["d_real"] for line in lines] == [2.5, 5.0]
    assert written.Tags()["scalars"] == ["2_training/d_real"]
    assert [(e.step, e.value) for e in written.Scalars("2_training/d_real")] == [
        (5, 2.5),
        (10, 5.0),
    ]
    assert [e.step for e in written.Images("1_images/samples")] == [5, 10]
    assert [e.step for e in written.Images("1_images/real")] == [0]
    text = written.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "    source: digits" in text


def test_a_resumed_run_deletes_records_after_its_checkpoint(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, batch_size=1)
    for step in (1, 2, 3, 4):
        tracker.metrics(step, {"loss": 0.0})
        tracker.images(torch.zeros(1, 1, 8, 8), step)
    tracker.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "ima')  # cut short by a crash

    resumed = Tracker(tmp_path, batch_size=1, resume_step=2)
    assert sorted(path.stem for path in (tmp_path / "samples").iterdir()) == ["000001", "000002"]
    for step in (3, 4):
        resumed.metrics(step, {"loss": 1.0})
    resumed.close()
    expected = [(1, 0.0), (2, 0.0), (3, 1.0), (4, 1.0)]
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == expected
    assert [(e.step, e.value) for e in events(tmp_path).Scalars("2_training/loss")] == expected


def test_scores_are_written_as_arrays_and_pictures(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, batch_size=1)
    arrays = {"spectrum": torch.ones(16, 16), "phase_energy2": torch.rand(2, 2)}
    tracker.arrays(arrays)
    for step in (0, 25):
        tracker.arrays(arrays, step)
    tracker.close()
    names = sorted(path.name for path in (tmp_path / "checkerboard").iterdir())
    assert names == ["000000.npz", "000025.npz", "real.npz"]
    with np.load(tmp_path / "checkerboard" / "000025.npz") as saved:
        assert np.array_equal(saved["phase_energy2"], arrays["phase_energy2"].numpy())
    written = events(tmp_path)
    for tag in ("2_mean_spectrum", "3_fine_detail_by_pixel_phase"):
        assert [e.step for e in written.Images(f"{tag}/generated")] == [0, 25]
        assert [e.step for e in written.Images(f"{tag}/real")] == [0]
    Tracker(tmp_path, batch_size=1, resume_step=20).close()
    assert not (tmp_path / "checkerboard" / "000025.npz").exists()


def test_a_new_run_deletes_leftovers_of_one_without_a_checkpoint(tmp_path: Path) -> None:
    for value in (0.0, 1.0):
        tracker = Tracker(tmp_path, batch_size=8)
        tracker.metrics(1, {"loss": value})
        tracker.close()
    assert [line["loss"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [1.0]
    assert [e.value for e in events(tmp_path).Scalars("2_training/loss")] == [1.0]


def test_a_resumed_run_has_no_duplicate_events_and_wall_times_never_decrease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is resumed twice, each time with the clock set back, first from step 2, then 3."""
    now = time.time()
    for resume_step, clock in ((0, now), (2, now - 3600), (3, now - 7200)):
        monkeypatch.setattr(time, "time", lambda clock=clock: clock)
        for file in list(tmp_path.glob("tensorboard/*")):
            shutil.copy(file, f"{file}.tmp")  # as if the run was killed while resuming
        tracker = Tracker(tmp_path, batch_size=1, resume_step=resume_step)
        if resume_step == 0:
            tracker.text("config", "seed: 0")
        for step in range(resume_step + 1, 5):
            tracker.metrics(step, {"loss": 0.0})
            tracker.alarm(step, "slow", "too slow")
            tracker.images(torch.zeros(1, 1, 8, 8), step)
        tracker.close()
    written = events(tmp_path)
    for found in (
        written.Scalars("2_training/loss"),
        written.Tensors("alarms/text_summary"),
        written.Images("1_images/samples"),
    ):
        assert [event.step for event in found] == [1, 2, 3, 4]
        assert [event.wall_time for event in found] == sorted(event.wall_time for event in found)
    assert [event.step for event in written.Tensors("config/text_summary")] == [0]


def test_a_run_resumes_despite_a_damaged_event_file(tmp_path: Path) -> None:
    damages: list[Callable[[bytes], bytes]] = [
        lambda content: content[:-7],
        lambda content: content[:60] + b"\xff" * 60,
    ]
    for damage in damages:
        tracker = Tracker(tmp_path, batch_size=1)
        for step in (1, 2):
            tracker.metrics(step, {"loss": 0.0})
        tracker.close()
        (file,) = (tmp_path / "tensorboard").iterdir()
        file.write_bytes(damage(file.read_bytes()))
        resumed = Tracker(tmp_path, batch_size=1, resume_step=2)
        resumed.metrics(3, {"loss": 0.0})
        resumed.close()
        assert events(tmp_path).Scalars("2_training/loss")[-1].step == 3


def test_a_broken_line_in_the_middle_of_the_metrics_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    text = '{"step": 1, "images_seen": 1}\nbroken\n{"step": 2, "images_seen": 2}\n'
    path.write_text(text)
    with pytest.raises(UserError, match="line 2 of 3"):
        Tracker(tmp_path, batch_size=1, resume_step=2)
    assert path.read_text() == text
