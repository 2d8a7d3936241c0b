"""Precision, and several processes that train one run."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dcgan.errors import UserError
from dcgan.training import devices
from dcgan.training.devices import connected, resolve_precision
from dcgan.training.tracking import read_metrics
from tests.conftest import TINY, Compose, children, command_environment, command_line

PROJECT = Path(__file__).parents[2]
TORCHRUN = [str(Path(sys.executable).parent / "torchrun"), "--nproc-per-node=2"]
TRAIN = [*TORCHRUN, "-m", "dcgan.commands.train", *TINY, "trainer.devices=2"]


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_takes_bfloat16_where_the_hardware_has_it(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch, has: bool, expected: str
) -> None:
    monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: has)
    assert resolve_precision(tiny("trainer.precision=auto").trainer).precision == expected
    assert resolve_precision(tiny("trainer.precision=32-true").trainer).precision == "32-true"


def test_several_devices_need_as_many_processes(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = pytest.raises(UserError, match="torchrun --nproc-per-node=2")
    with refused, connected(tiny("trainer.devices=2").trainer):
        pass
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    refused = pytest.raises(UserError, match=r"trainer.devices=1: .*set trainer.devices=2")
    with refused, connected(tiny().trainer):
        pass


def test_processes_must_share_a_batch_evenly(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    refused = pytest.raises(UserError, match=r"trainer.batch_size=8: must be a multiple of the 3")
    with refused, connected(tiny().trainer):
        pass


def test_no_gpu_is_said(tiny: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    trainer = replace(tiny().trainer, accelerator="gpu")
    refused = pytest.raises(UserError, match=r"trainer.accelerator=gpu: no GPU is available")
    with refused, connected(trainer):
        pass


def both(cwd: Path, cache_dir: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """One run in two processes."""
    line = [*TRAIN, f"data.cache_dir={cache_dir}", *overrides]
    return subprocess.run(
        line,
        cwd=cwd,
        env=command_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", ["none", "r1"])
def test_parameters_are_equal_on_all_ranks(cache_dir: Path, regularizer: str) -> None:
    line = [*TORCHRUN, "-m", "tests.training.two_ranks", str(cache_dir), regularizer]
    done = subprocess.run(
        line, cwd=PROJECT, env=command_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["largest difference of parameters"] == 0
    assert found["steps"] == 6
    # Each rank saw its own images and latents, so what it generated differs.
    assert found["difference of fakes"] > 1e-3


@pytest.mark.slow
def test_two_processes_make_one_run_and_either_goes_on_with_the_others_checkpoint(
    tmp_path: Path, cache_dir: Path
) -> None:
    run_dir = "hydra.run.dir=run"
    done = both(tmp_path, cache_dir, run_dir, "trainer.steps=4")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert done.stdout.splitlines()[-1] == "run"
    assert done.stdout.count("Checkpoint") == 1
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["processes"], result["step"], result["images_seen"]) == (2, 4, 32)

    alone = command_line("train", *TINY, run_dir, "resume=auto", cache_dir=cache_dir)
    once = subprocess.run(
        alone, cwd=tmp_path, env=command_environment(), capture_output=True, text=True, check=False
    )
    assert once.returncode == 0, once.stderr
    done = both(tmp_path, cache_dir, run_dir, "resume=auto", "trainer.steps=12")
    assert done.returncode == 0, done.stderr
    steps = [line["step"] for line in read_metrics(tmp_path / "run" / "metrics.jsonl")]
    assert steps[-1] == 12
    assert json.loads((tmp_path / "run" / "result.json").read_text())["resumed_from_step"] == 8


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_lost_process_ends_the_other_with_a_checkpoint_to_go_on_from(
    tmp_path: Path, cache_dir: Path, victim: int
) -> None:
    settings = ("hydra.run.dir=run", "trainer.steps=100000", "trainer.checkpoint_every=10")
    line = [*TRAIN, f"data.cache_dir={cache_dir}", *settings, "trainer.num_scored=0"]
    process = subprocess.Popen(
        line,
        cwd=tmp_path,
        env=command_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    deadline = time.monotonic() + 60
    while not last.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    assert last.exists()
    os.kill(rank_of(process.pid, victim), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    step = torch.load(last, weights_only=True)["step"]
    assert step % 10 == 0
    assert "another process of this run was lost" in errors
    assert "the last good checkpoint, if there is one, is run/checkpoints/last.pt\n" in errors
    assert "To go on: torchrun --nproc-per-node=2 -m dcgan.commands.train" in errors
    done = both(tmp_path, cache_dir, *settings[:1], "resume=auto", f"trainer.steps={step + 8}")
    assert done.returncode == 0, done.stderr


def rank_of(parent: int, rank: int) -> int:
    """The process id of one of torchrun's children."""
    for child in children(parent):
        with suppress(OSError):  # it has just ended
            if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                return child
    raise AssertionError(f"no rank {rank} below process {parent}")
