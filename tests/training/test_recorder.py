"""Losses that are not finite, and what is due when."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dcgan.errors import RunFailed
from dcgan.training.recorder import Recorder
from dcgan.training.step import StepResult, train_step
from dcgan.training.tracking import Tracker, read_metrics
from tests.training.conftest import Build


def result(loss: float) -> StepResult:
    logits, images = torch.zeros(2), torch.zeros(2, 1, 4, 4)
    return StepResult(torch.tensor(loss), torch.tensor(0.5), logits, logits, images, images)


def test_everything_is_done_when_due_and_at_the_last_step(tmp_path: Path, build: Build) -> None:
    every = ("trainer.log_every=3", "trainer.sample_every=4", "trainer.checkpoint_every=5")
    config, state, fabric = build("trainer.steps=7", "trainer.num_scored=0", *every)
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt")
    saved_at = []
    for _ in range(7):
        recorder.after_step(train_step(state, fabric))
        if (tmp_path / "last.pt").exists():
            step = torch.load(tmp_path / "last.pt", weights_only=True)["step"]
            saved_at.append(step)
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [3, 6, 7]
    assert sorted(p.stem for p in (tmp_path / "samples").iterdir()) == ["000004", "000007"]
    assert saved_at == [5, 5, 7]
    assert recorder.seconds > 0


def test_scores_and_their_samples_come_at_doubling_steps_and_at_the_last(
    tmp_path: Path, build: Build
) -> None:
    config, state, fabric = build("trainer.steps=7", "trainer.sample_every=100")
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt")
    recorder.start()
    for _ in range(7):
        recorder.after_step(train_step(state, fabric))
    lines = read_metrics(tmp_path / "metrics.jsonl")
    scored = [(line["step"], line["images_seen"]) for line in lines if "r2_over_real" in line]
    assert scored == [(0, 0), (2, 16), (4, 32), (7, 56)]
    assert "d_real" in lines[-1]  # the last line is that of the losses
    steps = ["000000", "000002", "000004", "000007", "real"]
    for folder in ("samples", "checkerboard"):
        assert sorted(p.stem for p in (tmp_path / folder).iterdir()) == steps
    assert 0 < recorder.score_seconds < recorder.seconds


def test_metrics_hold_what_the_run_promises(tmp_path: Path, build: Build) -> None:
    config, state, fabric = build("trainer.log_every=1", "trainer.generator_lr=3e-4")
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt")
    recorder.after_step(train_step(state, fabric))
    recorder.checkpoint()
    (line,) = read_metrics(tmp_path / "metrics.jsonl")
    assert set(line) == {
        *("step", "images_seen", "discriminator_loss", "generator_loss", "d_real", "d_fake"),
        *("d_accuracy", "diversity", "images_per_second", "generator_lr", "discriminator_lr"),
    }
    assert (line["step"], line["images_seen"]) == (1, 8)
    assert (line["generator_lr"], line["discriminator_lr"]) == (3e-4, 1e-3)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_named_by_its_step(
    tmp_path: Path, build: Build, loss: float
) -> None:
    config, state, _ = build("trainer.log_every=4", "trainer.checkpoint_every=100")
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt")
    for step, value in enumerate((1.0, 1.0, loss), 1):
        state.step = step
        recorder.after_step(result(value))
    state.step = 4
    with pytest.raises(RunFailed, match=r"not finite at step 3 \(.*no checkpoint yet; smaller"):
        recorder.after_step(result(loss))


def test_the_last_good_checkpoint_is_kept(tmp_path: Path, build: Build) -> None:
    config, state, fabric = build("trainer.checkpoint_every=2", "trainer.log_every=100")
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt")
    for _ in range(2):
        recorder.after_step(train_step(state, fabric))
    before = (tmp_path / "last.pt").read_bytes()
    recorder.after_step(train_step(state, fabric))
    with torch.no_grad():
        next(state.generator.parameters()).fill_(float("inf"))
    state.step = 4
    with pytest.raises(RunFailed, match=r"at step 4 a weight of the generator .*last\.pt"):
        recorder.after_step(result(1.0))
    assert (tmp_path / "last.pt").read_bytes() == before


def test_the_best_checkpoint_stays_until_a_better_one_comes(tmp_path: Path, build: Build) -> None:
    every = ("trainer.evaluate_every=1", "data=digits", "data.num_images=300")
    config, state, fabric = build("trainer.steps=5", "trainer.num_scored=0", *every)
    fids = iter([9.0, 5.0, 7.0, math.nan, 4.0])
    watch: Any = SimpleNamespace(measure=lambda: next(fids))
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt", watch)
    best_at = []
    for _ in range(5):
        recorder.after_step(train_step(state, fabric))
        best_at.append(torch.load(tmp_path / "best.pt", weights_only=True)["step"])
    assert best_at == [1, 2, 2, 2, 5]
    assert state.best_fid == 4
    lines = [line for line in read_metrics(tmp_path / "metrics.jsonl") if "fid" in line]
    assert [line["fid"] for line in lines] == [9, 5, 7, None, 4]


def test_alarms_are_written_where_people_look(
    tmp_path: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    config, state, _ = build("trainer.log_every=1", "trainer.num_scored=0", "trainer.steps=99")
    recorder = Recorder(config, state, Tracker(tmp_path), tmp_path / "last.pt")
    sure = torch.full((4,), 9.0)
    images = torch.rand(4, 1, 4, 4)
    seen = StepResult(torch.tensor(0.1), torch.tensor(9.0), sure, -sure, images, images)
    for step in range(1, 6):
        state.step = step
        recorder.after_step(seen)
    recorder._tracker.close()
    (warning,) = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert warning.startswith("step 5: discriminator saturated: ")
    written = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    (line,) = [line for line in written if "alarm" in line]
    assert (line["step"], line["alarm"]) == (5, "discriminator saturated")
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Tensors("alarms/text_summary")] == [5]
