"""Complete training runs, in this process: what they learn and return."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from torch.nn import functional as F

from dcgan.config.identity import LAST
from dcgan.data.preparation import prepare
from dcgan.errors import Interrupted, UserError
from dcgan.evaluation.distances import frechet_distance
from dcgan.pictures import normalize
from dcgan.sampling import load_generator, sample
from dcgan.training import recorder
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected
from dcgan.training.loop import train
from dcgan.training.records import read_metrics
from dcgan.training.tracking import Tracker
from tests.conftest import Compose

DIGITS = (
    "data=digits",
    "data.num_images=400",
    "trainer.checkerboard_images=0",
    "trainer.batch_size=32",
)


def features(images: Tensor) -> Tensor:
    """Brightness of 4x4 blocks: (N, 1, 16, 16) images to (N, 16)."""
    return F.avg_pool2d(images, 4).flatten(1)


def test_a_batch_of_one_image_trains_and_has_no_diversity(tiny: Compose, tmp_path: Path) -> None:
    result = train(tiny("trainer.batch_size=1"), tmp_path, "")
    assert result["step"] == 8
    assert "diversity" not in result["metrics"]
    train(tiny("trainer.batch_size=1", "resume=auto", "trainer.steps=9"), tmp_path, "")


def test_a_finished_run_is_left_unchanged_and_can_be_extended(
    tiny: Compose, tmp_path: Path
) -> None:
    first = train(tiny(), tmp_path, "")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert train(tiny("resume=auto"), tmp_path, "") == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    path = tmp_path / "result.json"
    path.write_text("{")
    with pytest.raises(UserError, match=rf"^{path}: not the result of a run"):
        train(tiny("resume=auto"), tmp_path, "")
    path.unlink()  # as if the run was longer and stopped here, before samples were due
    (tmp_path / first["samples"]).unlink()
    again = train(tiny("resume=auto"), tmp_path, "")
    assert again["metrics"] == first["metrics"]
    assert (tmp_path / again["samples"]).is_file()
    logged = [line.get("images_per_second") for line in read_metrics(tmp_path / "metrics.jsonl")]
    speeds = [speed for speed in logged if speed is not None]
    assert min(speeds) <= again["images_per_second"] <= max(speeds)
    longer = train(tiny("resume=auto", "trainer.steps=9"), tmp_path, "")
    assert (longer["step"], longer["resumed_from_step"]) == (9, 8)
    path.unlink()
    (tmp_path / "metrics.jsonl").unlink()
    unknown = train(tiny("resume=auto", "trainer.steps=9"), tmp_path, "")
    assert unknown["images_per_second"] is None


@pytest.mark.parametrize("during", ["record", "finish"])
def test_a_signal_after_the_last_step_stops_what_comes_next_but_the_run_is_finished(
    tiny: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    """A multirun, or a loop in Python, must not go on with its next run."""
    original = getattr(recorder.Recorder, during)

    def interrupted(self: recorder.Recorder, *given: Any) -> Any:
        if self._state.step == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *given)

    monkeypatch.setattr(recorder.Recorder, during, interrupted)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(Interrupted, match=rf"the run in {tmp_path} is finished$") as raised:
            train(tiny(), tmp_path, "")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert raised.value.exit_status == 128 + signal.SIGTERM
    monkeypatch.undo()
    assert train(tiny("resume=auto"), tmp_path, "")["resumed_from_step"] == 0


def recorded(run_dir: Path) -> tuple[list[Any], ...]:
    """Everything that a run has recorded, except times and speeds."""
    lines = [
        {key: value for key, value in line.items() if key != "images_per_second"}
        for line in read_metrics(run_dir / "metrics.jsonl")
    ]
    written = EventAccumulator(str(run_dir / "tensorboard"), size_guidance={"images": 0})
    written.Reload()
    tags = written.Tags()
    kinds = (("scalars", written.Scalars), ("images", written.Images), ("tensors", written.Tensors))
    events = [
        (tag, event.step)
        for kind, read in kinds
        for tag in sorted(tags[kind])
        for event in read(tag)
    ]
    files = [
        path.relative_to(run_dir)
        for folder in ("samples", "checkerboard", "checkpoints")
        for path in sorted((run_dir / folder).iterdir())
    ]
    return lines, events, files


def test_after_a_kill_at_any_write_the_records_have_no_gap_and_no_duplicate(
    tiny: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resume from what is on disk between any two writes: the records end up the same."""
    whole, killed = tmp_path / "whole", list[Path]()

    def watched(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def call(*arguments: Any) -> None:
            if whole.is_dir():
                killed.append(shutil.copytree(whole, tmp_path / f"killed{len(killed)}"))
            function(*arguments)
            if name == "save_checkpoint":  # with nothing recorded after it
                killed.append(shutil.copytree(whole, tmp_path / f"killed{len(killed)}"))

        monkeypatch.setattr(owner, name, call)

    watched(Tracker, "flush")
    watched(recorder, "save_checkpoint")
    watched(recorder, "write_json")
    train(tiny(), whole, "")
    monkeypatch.undo()
    killed.append(shutil.copytree(whole, tmp_path / "killed at the end"))
    assert len(killed) > 6
    expected = recorded(whole)
    assert len({(run / LAST).exists() for run in killed}) == 2
    for run in killed:
        result = train(tiny("resume=auto"), run, "")
        assert recorded(run) == expected
        assert result["images_per_second"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["transposed_k4", "resize_nearest"])
def test_training_brings_generated_images_closer_to_real_ones(
    tiny: Compose, tmp_path: Path, choice: str
) -> None:
    size = ("generator.filters=16", "discriminator.filters=16", "trainer.steps=250")
    config = tiny(*DIGITS, f"upsample={choice}", *size)
    real = features(normalize(prepare(config.data).open()))
    with connected(config.trainer) as fabric:
        untrained = build_state(config, prepare(config.data), fabric).sampler
    result = train(config, tmp_path / "run", "")
    assert (result["step"], result["images_seen"]) == (250, 8000)
    before, after = (
        frechet_distance(real, features(sample(generator, range(400))))
        for generator in (untrained, load_generator(tmp_path / "run"))
    )
    assert after < before / 4
