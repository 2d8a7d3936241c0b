"""What is recorded at which step, and how losses that are not finite abort a run."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dcgan.config.identity import LAST
from dcgan.errors import RunFailed, UserError
from dcgan.networks.checkpoint import read_checkpoint
from dcgan.training.checkpoint import BEST, load_state, save_checkpoint
from dcgan.training.loop import due
from dcgan.training.recorder import Recorder
from dcgan.training.records import read_metrics
from dcgan.training.scores import Scorer, Scores
from dcgan.training.step import State, StepResult, train_step
from tests.conftest import Compose
from tests.training.conftest import Build


def result(loss: float) -> StepResult:
    outputs, images = torch.zeros(2), torch.zeros(2, 1, 4, 4)
    return StepResult(torch.tensor([loss, 0.5]), outputs, outputs, images, images)


def train_steps(recorder: Recorder, state: State, number: int) -> None:
    """Train and record as the loop does."""
    for _ in range(number):
        recorder.record(train_step(state), due(state.step, state.config.trainer))


def saved_step(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["step"])


def test_what_is_due_at_which_step(tiny: Compose) -> None:
    every = ("trainer.log_every=3", "trainer.sample_every=4", "trainer.checkpoint_every=5")
    trainer = tiny("trainer.steps=7", "trainer.checkerboard_images=0", *every).trainer
    assert [sorted(due(step, trainer)) for step in range(1, 8)] == [
        *([], [], ["log"], ["samples"], ["checkpoint"], ["log"]),
        ["checkpoint", "log", "samples"],
    ]
    trainer = tiny("trainer.steps=1000", "trainer.checkerboard_from_step=25").trainer
    scored = [step for step in range(1, 1001) if "scores" in due(step, trainer)]
    assert scored == [25, 50, 100, 200, 400, 800, 1000]
    assert all("samples" in due(step, trainer) for step in scored)
    assert not any("fid" in due(step, trainer) for step in range(1, 1001))
    trainer = tiny("trainer.steps=10", "trainer.fid_every=4").trainer
    assert [step for step in range(1, 11) if "fid" in due(step, trainer)] == [4, 8, 10]


def test_scores_samples_and_checkpoints_are_written_at_their_steps(
    tmp_path: Path, build: Build
) -> None:
    state = build("trainer.steps=7", "trainer.sample_every=100")
    with Recorder(state, tmp_path).opened() as recorder:
        train_steps(recorder, state, 7)
        shares = recorder.finish()
    lines = read_metrics(tmp_path / "metrics.jsonl")
    scored = [(line["step"], line["images_seen"]) for line in lines if "r2_over_real" in line]
    assert scored == [(0, 0), (2, 16), (4, 32), (7, 56)]
    assert "d_real" in lines[-1]  # the last line has the losses
    steps = ["000000", "000002", "000004", "000007", "real"]
    for folder in ("samples", "checkerboard"):
        assert sorted(p.stem for p in (tmp_path / folder).iterdir()) == steps
    assert saved_step(tmp_path / LAST) == 7
    assert 0 < shares["tracking_share"] < 1
    assert json.loads((tmp_path / "result.json").read_text())["images_seen"] == 56


def test_the_real_images_beside_the_samples_are_spread_over_the_sorted_files(
    tmp_path: Path, build: Build
) -> None:
    state = build("trainer.num_samples=2", "trainer.checkerboard_images=0")
    number, *shape = state.batches.images.shape
    white = torch.full((number // 2, *shape), 255, dtype=torch.uint8)
    state.batches.images = torch.cat([torch.zeros_like(white), white])
    with Recorder(state, tmp_path).opened():
        pass
    real = np.asarray(Image.open(tmp_path / "samples" / "real.png"))
    assert (real == 0).sum() == 3 * shape[1] * shape[2]  # one of the two, in three colors


def test_every_log_line_has_all_metrics(tmp_path: Path, build: Build) -> None:
    state = build(
        "trainer.log_every=1", "trainer.checkerboard_images=0", "trainer.generator_lr=3e-4"
    )
    with Recorder(state, tmp_path).opened() as recorder:
        train_steps(recorder, state, 1)
    (line,) = read_metrics(tmp_path / "metrics.jsonl")
    assert set(line) == {
        *("step", "images_seen", "discriminator_loss", "generator_loss", "d_real", "d_fake"),
        *("d_accuracy", "diversity", "images_per_second", "generator_lr", "discriminator_lr"),
    }
    assert (line["step"], line["images_seen"]) == (1, 8)
    assert (line["generator_lr"], line["discriminator_lr"]) == (3e-4, 1e-3)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_aborts_the_run_and_reports_the_step(
    tmp_path: Path, build: Build, loss: float
) -> None:
    state = build()
    with Recorder(state, tmp_path).opened() as recorder:
        for step, value in enumerate((1.0, 1.0, loss), 1):
            state.step = step
            recorder.record(result(value), frozenset())
        state.step = 4
        with pytest.raises(RunFailed, match=r"not finite at step 3 \(.*no checkpoint yet; try"):
            recorder.record(result(loss), frozenset(["log"]))


def test_the_last_good_checkpoint_is_kept(tmp_path: Path, build: Build) -> None:
    state = build()
    with Recorder(state, tmp_path).opened() as recorder:
        recorder.record(train_step(state), frozenset(["checkpoint"]))
        before = (tmp_path / LAST).read_bytes()
        with torch.no_grad():
            next(state.generator.parameters()).fill_(float("inf"))
        state.step = 4
        with pytest.raises(RunFailed, match=r"generator has a number .* at step 4; .*last\.pt"):
            recorder.record(result(1.0), frozenset(["checkpoint"]))
    assert (tmp_path / LAST).read_bytes() == before


@pytest.mark.parametrize("part", ["ema.module.layers.norm0.running_var", "discriminator_optimizer"])
def test_no_checkpoint_is_written_that_could_not_be_read(
    tmp_path: Path, build: Build, part: str
) -> None:
    state = build("trainer.ema_half_life_images=100")
    with Recorder(state, tmp_path).opened() as recorder:
        recorder.record(train_step(state), frozenset(["checkpoint"]))
        assert state.ema is not None
        moments = next(iter(state.discriminator_optimizer.state.values()))
        numbers = state.ema.state_dict().get(part.removeprefix("ema."), moments["exp_avg_sq"])
        numbers.fill_(math.inf)
        with pytest.raises(RunFailed, match=rf"^{part.partition('.')[0]} has a number that is not"):
            recorder.record(result(1.0), frozenset(["checkpoint"]))
    read_checkpoint(tmp_path / LAST)


def test_the_best_checkpoint_is_replaced_only_by_a_better_one(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = build("trainer.checkerboard_images=0", "trainer.fid_every=1")
    fids = iter([9.0, 5.0, 7.0, math.nan, 4.0])
    meter: Any = SimpleNamespace(measure=lambda: next(fids))
    best_at = []
    monkeypatch.setattr("dcgan.training.recorder.FidMeter", lambda _: meter)
    with Recorder(state, tmp_path).opened() as recorder:
        for _ in range(5):
            recorder.record(train_step(state), frozenset(["fid"]))
            best_at.append(saved_step(tmp_path / BEST))
    assert best_at == [1, 2, 2, 2, 5]
    assert state.best_fid == 4
    lines = [line for line in read_metrics(tmp_path / "metrics.jsonl") if "fid" in line]
    assert [line["fid"] for line in lines] == [9, 5, 7, None, 4]


def test_alarms_go_to_the_log_metrics_and_tensorboard(
    tmp_path: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    state = build("trainer.checkerboard_images=0", "trainer.steps=99")
    sure, images = torch.full((4,), 9.0), torch.rand(4, 1, 4, 4)
    saturated = StepResult(torch.tensor([0.1, 9.0]), sure, -sure, images, images)
    with Recorder(state, tmp_path).opened() as recorder:
        for step in range(1, 6):
            state.step = step
            recorder.record(saturated, frozenset(["log"]))
    warnings = [r.message for r in caplog.records if "saturated" in r.message]
    assert len(warnings) == 1
    assert warnings[0].startswith("step 5: discriminator saturated: ")
    written = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    (line,) = [line for line in written if line.get("alarm") == "discriminator saturated"]
    assert line["step"] == 5
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert 5 in [e.step for e in events.Tensors("alarms/text_summary")]


def test_time_spent_on_scores_does_not_count_as_slow_steps(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state, clock = build("trainer.steps=99"), SimpleNamespace(now=0.0)
    measure = Scorer.measure

    def measure_slowly(scorer: Scorer) -> Scores:
        clock.now += 60
        return measure(scorer)

    monkeypatch.setattr(Scorer, "measure", measure_slowly)
    times = SimpleNamespace(perf_counter=lambda: clock.now)
    monkeypatch.setattr("dcgan.training.recorder.time", times)
    with Recorder(state, tmp_path).opened() as recorder:
        for seconds, due in ((1, ["log"]), (1, ["log", "scores"]), (1, ["log"]), (9, ["log"])):
            clock.now += seconds
            recorder.record(train_step(state), frozenset(due))
            slow = [r.message for r in caplog.records if "steps slow" in r.message]
            assert len(slow) == (seconds == 9)


def files_of(run_dir: Path) -> dict[Path, bytes]:
    """Every file except TensorBoard's, which a thread writes."""
    paths = [path for path in run_dir.rglob("*") if "tensorboard" not in path.parts]
    return {path: path.read_bytes() for path in paths if path.is_file()}


def test_a_folder_in_use_by_another_run_is_left_unchanged(tmp_path: Path, build: Build) -> None:
    with Recorder(build(), tmp_path).opened():
        (tmp_path / "train.log").write_text("of the first")
        before = files_of(tmp_path)
        refused = pytest.raises(UserError, match="another process is training there")
        with refused, Recorder(build("seed=1"), tmp_path).opened():
            pass
        assert files_of(tmp_path) == before


def test_resuming_from_the_best_checkpoint_discards_later_records(
    tmp_path: Path, build: Build
) -> None:
    state = build(
        "trainer.checkerboard_images=0", "trainer.log_every=1", "trainer.checkpoint_every=100"
    )
    with Recorder(state, tmp_path).opened() as recorder:
        train_steps(recorder, state, 2)
        save_checkpoint(tmp_path / BEST, state)
        train_steps(recorder, state, 3)
        recorder.record(train_step(state), frozenset(["log", "checkpoint"]))
    assert saved_step(tmp_path / LAST) == 6
    state = build("trainer.checkerboard_images=0")
    load_state(state, read_checkpoint(tmp_path / BEST))
    with Recorder(state, tmp_path).opened():
        pass  # killed before its first checkpoint
    assert saved_step(tmp_path / LAST) == 2
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2]


def test_damaged_metrics_are_refused_before_anything_is_written(
    tmp_path: Path, build: Build
) -> None:
    state = build("trainer.checkerboard_images=0")
    with Recorder(state, tmp_path).opened() as recorder:
        train_steps(recorder, state, 8)
        recorder.finish()
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("broken\n" + metrics.read_text())
    before = files_of(tmp_path)
    refused = pytest.raises(UserError, match=rf"{metrics}: not readable in line 1 of \d+: ")
    with refused, Recorder(state, tmp_path).opened():
        pass
    assert files_of(tmp_path) == before


def test_records_of_a_run_without_a_checkpoint_are_discarded(tmp_path: Path, build: Build) -> None:
    state = build("trainer.checkerboard_images=0", "trainer.log_every=1")
    with Recorder(state, tmp_path).opened() as recorder:
        for _ in range(3):
            recorder.record(train_step(state), frozenset(["log"]))
    with Recorder(state, tmp_path).opened() as recorder:  # from a checkpoint in another folder
        recorder.record(train_step(state), frozenset(["log"]))
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [4]
