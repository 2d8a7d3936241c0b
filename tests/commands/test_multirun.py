"""Many runs from one command: named after the settings that differ, stopped together."""

import os
import shlex
import signal
import time
from pathlib import Path

import pytest
import torch

from tests.conftest import TINY, Run, Start, children, wait_for

LAUNCHERS = (["hydra/launcher=basic"], ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"])


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [*LAUNCHERS, ["hydra/launcher=submitit_local"]])
def test_only_newly_added_arms_are_trained(run: Run, tmp_path: Path, launcher: list[str]) -> None:
    options = (
        "-m",
        *TINY,
        *launcher,
        "trainer.checkerboard_images=0",
        "seed=0,1",
        "hydra.sweep.dir=sweep",
    )
    first = run("train", *options, "upsample=transposed_k3,transposed_k4")
    assert first.returncode == 0, first.stderr
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("sweep/*/result.json")}
    names = {f"seed-{seed}_upsample-transposed_k{k}" for seed in (0, 1) for k in (3, 4)}
    assert {path.parent.name for path in before} == names
    arms = "upsample=resize_nearest,transposed_k3,transposed_k4"
    again = run("train", *options, arms, "resume=auto")
    assert again.returncode == 0, again.stderr
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("sweep/*/result.json")}
    assert before.items() <= after.items()
    assert {path.parent.name for path in after.keys() - before.keys()} == {
        *("seed-0_upsample-resize_nearest", "seed-1_upsample-resize_nearest"),
    }


@pytest.mark.parametrize("flag", ["-m", "hydra.mode=MULTIRUN"])
def test_torchrun_starts_no_multirun(run: Run, tmp_path: Path, flag: str) -> None:
    done = run("train", flag, *TINY, "seed=0,1", WORLD_SIZE="2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "dcgan-train: -m: cannot be combined with torchrun\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("to_all", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_stopped_multirun_leaves_no_process_and_prints_how_to_resume(
    run: Run,
    start: Start,
    tmp_path: Path,
    launcher: list[str],
    number: signal.Signals,
    to_all: bool,
) -> None:
    """Ctrl-C reaches every process, `kill` only the first one."""
    options = ("-m", *TINY, *launcher, "trainer.checkerboard_images=0", "hydra.sweep.dir=sweep")
    endless = ("seed=0,1,2", "trainer.steps=100000")
    process = start(*options, *endless, start_new_session=True)
    wait_for(tmp_path / "sweep" / "seed-0" / "samples" / "000008.png", process)
    jobs = children(process.pid)
    (os.killpg if to_all else os.kill)(process.pid, number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    time.sleep(0.5)
    assert not [job for job in jobs if is_running(job)]

    last = tmp_path / "sweep" / "seed-0" / "checkpoints" / "last.pt"
    step = torch.load(last, weights_only=True)["step"]
    again = shlex.split(errors.rpartition("To resume: ")[2].splitlines()[0])
    assert {"resume=auto", "hydra.sweep.dir=sweep"} <= {*again}
    shorter = [word.replace("100000", "1000") for word in again[1:]]
    done = run("train", *shorter, "seed=0")
    assert done.returncode == 0, done.stderr
    assert f"resumed at step {step}" in done.stderr


@pytest.mark.slow
def test_a_killed_job_is_one_line_and_the_multirun_can_be_resumed(
    start: Start, tmp_path: Path
) -> None:
    """As by the system, if memory runs out."""
    options = ("-m", *TINY, *LAUNCHERS[1], "trainer.checkerboard_images=0", "trainer.steps=100000")
    process = start(*options, "seed=0,1", "hydra.sweep.dir=sweep")
    for seed in (0, 1):
        wait_for(tmp_path / "sweep" / f"seed-{seed}" / "samples" / "000008.png", process)
    jobs = children(process.pid)
    commands = {job: Path(f"/proc/{job}/cmdline").read_text() for job in jobs}
    os.kill(next(job for job in jobs if "LokyProcess" in commands[job]), signal.SIGKILL)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 74, errors
    assert "Traceback" not in errors
    again, last = errors.splitlines()[-2:]
    assert again.startswith("To resume: ")
    assert {"resume=auto", "hydra.sweep.dir=sweep"} <= {*shlex.split(again)}
    assert last == (
        "dcgan-train: -m: a job's process was killed, perhaps for lack of memory; use fewer at"
        " once with hydra.launcher.n_jobs=N"
    )
    time.sleep(0.5)
    assert not [job for job in jobs if is_running(job)]
