"""Precision, and training one run in several processes."""

import json
import os
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from dcgan.errors import RunFailed, UserError
from dcgan.training import devices
from dcgan.training.devices import connected, naming_lost_processes, resolve_precision
from dcgan.training.records import read_metrics
from tests.conftest import TINY, Compose, Run, Start, children, finish, wait_for

PROJECT = Path(__file__).parents[2]
BY_HAND = dict(zip(devices.TORCHRUN_SETS, ("0", "0", "1", "127.0.0.1", "0"), strict=True))
TORCHRUN = [str(Path(sys.executable).parent / "torchrun"), "--nproc-per-node=2"]


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_precision_uses_bfloat16_where_supported(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch, has: bool, expected: str
) -> None:
    monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: has)
    assert resolve_precision(tiny("trainer.precision=auto").trainer).precision == expected
    assert resolve_precision(tiny("trainer.precision=32-true").trainer).precision == "32-true"


@pytest.mark.parametrize(
    ("overrides", "environment", "message"),
    [
        (["trainer.devices=2"], {}, "trainer.devices=2: .*torchrun --nproc-per-node=2"),
        ([], {"LOCAL_WORLD_SIZE": "2"}, "trainer.devices=1: .*set trainer.devices=2"),
        ([], {"WORLD_SIZE": "3"}, "trainer.batch_size=8: must be a multiple of the 3"),
        ([], {"RANK": "1"}, "RANK=1: must be below WORLD_SIZE, which is 1"),
        ([], {"RANK": "x"}, "RANK=x: must be below WORLD_SIZE"),
        ([], {"WORLD_SIZE": "2"}, "WORLD_SIZE=2: RANK, .* not set; torchrun sets them all"),
        ([], {"WORLD_SIZE": "two"}, "WORLD_SIZE=two: must be a number of processes"),
        (["trainer.accelerator=gpu"], {}, "trainer.accelerator=gpu: no GPU is available"),
        (
            [],
            {**BY_HAND, "WORLD_SIZE": "2", "SLURM_NTASKS": "4"},
            r"^trainer.accelerator=cpu, trainer.devices=1: cannot be used here \(.*--ntasks=4.*\)$",
        ),
    ],
)
def test_missing_devices_and_processes_are_refused(
    tiny: Compose,
    monkeypatch: pytest.MonkeyPatch,
    overrides: list[str],
    environment: dict[str, str],
    message: str,
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=message), connected(tiny(*overrides).trainer):
        pass


def test_one_process_ignores_the_variables_of_slurm(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.delenv("SLURM_JOB_NAME", raising=False)
    with connected(tiny().trainer) as fabric:
        assert (fabric.world_size, fabric.global_rank) == (1, 0)


def test_a_failed_connection_between_processes_is_reported(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "TIMEOUT", timedelta(seconds=1))
    for name, value in {**BY_HAND, "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    reason = r"the 2 processes of this run could not connect at 127.0.0.1:0 \("
    with pytest.raises(RunFailed, match=reason), connected(tiny().trainer):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", ["none", "r1"])
def test_parameters_are_equal_on_all_ranks(cache_dir: Path, regularizer: str) -> None:
    line = [*TORCHRUN, "-m", "tests.training.two_ranks", str(cache_dir), regularizer]
    done = finish(line, PROJECT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["largest difference of parameters"] == 0
    assert found["steps"] == 6
    assert found["one stops"] is True
    # Each rank had its own images and latents, so the generated images differ.
    assert found["difference of fakes"] > 1e-3


@pytest.mark.slow
def test_two_processes_make_one_run_and_checkpoints_resume_with_any_number_of_processes(
    run: Run, tmp_path: Path
) -> None:
    options = (*TINY, "hydra.run.dir=run", "resume=auto")
    both = run("train", *options, "trainer.steps=4", processes=2)
    assert both.returncode == 0, both.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert both.stdout.splitlines()[-1] == "run"
    assert both.stdout.count("Checkpoint") == 1
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["processes"], result["step"], result["images_seen"]) == (2, 4, 32)

    alone = run("train", *options)
    assert alone.returncode == 0, alone.stderr
    both = run("train", *options, "trainer.steps=12", processes=2)
    assert both.returncode == 0, both.stderr
    assert read_metrics(tmp_path / "run" / "metrics.jsonl")[-1]["step"] == 12
    assert json.loads((tmp_path / "run" / "result.json").read_text())["resumed_from_step"] == 8


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_if_a_process_is_lost_the_other_stops_and_the_run_can_be_resumed(
    run: Run, start: Start, tmp_path: Path, victim: int
) -> None:
    options = (*TINY, "hydra.run.dir=run", "trainer.checkerboard_images=0", "resume=auto")
    endless = ("trainer.steps=100000", "trainer.checkpoint_every=10")
    process = start(*options, *endless, processes=2)
    last = wait_for(tmp_path / "run" / "checkpoints" / "last.pt", process)
    os.kill(rank_of(process.pid, victim), signal.SIGKILL)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    step = torch.load(last, weights_only=True)["step"]
    assert step % 10 == 0
    assert "another process of this run was lost" in errors
    assert "the last good checkpoint, if there is one, is run/checkpoints/last.pt\n" in errors
    assert "To resume: torchrun --nproc-per-node=2 -m dcgan.commands.train" in errors
    done = run("train", *options, f"trainer.steps={step + 8}", processes=2)
    assert done.returncode == 0, done.stderr


def test_a_failed_run_is_not_taken_for_a_lost_process() -> None:
    with pytest.raises(RunFailed, match="not finite"), naming_lost_processes("last.pt"):
        raise RunFailed("the loss is not finite; the last good checkpoint is igloo/last.pt")
    with pytest.raises(RunFailed, match="process of this run was lost"), naming_lost_processes(""):
        raise RuntimeError("gloo: connection closed by peer")


def rank_of(parent: int, rank: int) -> int:
    """The process id of one of torchrun's children."""
    for child in children(parent):
        with suppress(OSError):  # the child has just ended
            if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                return child
    raise AssertionError(f"no rank {rank} below process {parent}")
