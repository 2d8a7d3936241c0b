"""Jobs side by side, as a user starts and stops them."""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from tests.commands.test_train import start, wait_for
from tests.conftest import TINY, Run, children

SIDE_BY_SIDE = ("hydra/launcher=joblib", "hydra.sweep.dir=sweep", "trainer.num_scored=0")
TWO_AT_ONCE = (*SIDE_BY_SIDE, "hydra.launcher.n_jobs=2")  # and no report


def two_running(tmp_path: Path, cache_dir: Path, *options: str) -> subprocess.Popen[str]:
    """A multirun in a session of its own, whose first two jobs have begun to train."""
    endless = ("-m", *TINY, *options, "trainer.steps=100000")
    process = start(tmp_path, cache_dir, *endless, start_new_session=True)
    for job in ("0", "1"):
        wait_for(tmp_path / "sweep" / job / "samples" / "000004.png", process)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_running_jobs_save_themselves_and_no_other_begins(
    tmp_path: Path, cache_dir: Path, run: Run, number: signal.Signals
) -> None:
    process = two_running(tmp_path, cache_dir, *TWO_AT_ONCE, "seed=0,1,2")
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert not {"Error", "Killed"} & set(errors.split())
    saved = {}
    for job in ("0", "1"):
        last = tmp_path / "sweep" / job / "checkpoints" / "last.pt"
        saved[job] = torch.load(last, weights_only=True)["step"]
        assert f"WARNING #{job} stopped at step {saved[job]} of 100000" in errors
    assert sorted(p.name for p in (tmp_path / "sweep").iterdir() if p.is_dir()) == ["0", "1"]

    again = shlex.split(errors.rpartition("To go on: ")[2].splitlines()[0])
    assert again[-2:] == ["resume=auto", "hydra.sweep.dir=sweep"]
    most = max(saved.values())
    done = run("train", *(o.replace("100000", str(most + 2)) for o in again[1:]))
    assert done.returncode == 0, done.stderr
    for job, step in saved.items():
        assert f"#{job} resumed sweep/{job}/checkpoints/last.pt at step {step}" in done.stderr
    assert len(list((tmp_path / "sweep").glob("*/result.json"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_processes_without_a_job_do_not_end_the_others(
    tmp_path: Path, cache_dir: Path, number: signal.Signals
) -> None:
    process = two_running(tmp_path, cache_dir, *SIDE_BY_SIDE, "hydra.launcher.n_jobs=4", "seed=0,1")
    os.killpg(process.pid, number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    for job in ("0", "1"):
        assert (tmp_path / "sweep" / job / "checkpoints" / "last.pt").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("to_all", [True, False])
@pytest.mark.parametrize("delay", [0.0, 0.3, 1.0, 2.0])
def test_a_signal_while_jobs_start_is_not_lost(
    tmp_path: Path, cache_dir: Path, delay: float, to_all: bool
) -> None:
    options = ("-m", *TINY, *TWO_AT_ONCE, "seed=0,1,2", "trainer.steps=100000")
    process = start(tmp_path, cache_dir, *options, start_new_session=True)
    wait_for(tmp_path / "sweep", process)
    time.sleep(delay)
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGINT
    assert "Traceback" not in errors
    assert "To go on: " in errors
    begun = [path for path in (tmp_path / "sweep").iterdir() if path.is_dir()]
    assert len(begun) <= 2
    for job in begun:
        assert (job / "checkpoints" / "last.pt").is_file()


@pytest.mark.slow
def test_a_second_ctrl_c_ends_all_at_once(tmp_path: Path, cache_dir: Path) -> None:
    """While the first waits for a job that does not answer."""
    process = two_running(tmp_path, cache_dir, *TWO_AT_ONCE, "seed=0,1")
    command_lines = {
        pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(process.pid)
    }
    jobs = [pid for pid, line in command_lines.items() if b"popen_loky" in line]
    os.kill(jobs[0], signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    time.sleep(2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGINT
    assert "To go on: " in errors
