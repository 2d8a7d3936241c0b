"""dcgan-report, and the report that a multirun ends with, as a user runs them."""

import json
import shlex
import signal
from pathlib import Path

import pytest
import torch

from dcgan.commands.composing import compose
from tests.conftest import CONFIGS, TINY, Run, Start, choices, wait_for

ARMS = ("upsample=transposed_k3,resize_nearest", "data.image_size=32", "hydra.sweep.dir=sweep")

FIRST = "upsample-transposed_k3"


def test_a_multirun_ends_with_a_report_and_dcgan_report_makes_it_again(
    run: Run, tmp_path: Path
) -> None:
    done = run("train", "-m", *TINY, *ARMS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "sweep/report"
    page = tmp_path / "sweep" / "report" / "index.html"
    assert str(page.relative_to(tmp_path)) in done.stdout
    result = json.loads((page.parent / "result.json").read_text())
    assert [arm["name"] for arm in result["arms"]] == ["transposed k3", "nearest + conv k3"]
    assert "-m" in result["command"]

    page.unlink()
    again = run("report", "runs=sweep")
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == "sweep/report"
    assert "dcgan-report runs=sweep" in page.read_text()


def test_failed_jobs_are_listed_and_the_others_are_reported(run: Run, tmp_path: Path) -> None:
    sweep = ("trainer.generator_lr=1e30,1e-3", "trainer.batch_size=8,99", "hydra.sweep.dir=sweep")
    done = run("train", "-m", *TINY, *sweep)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "HYDRA" not in done.stdout
    result = json.loads((tmp_path / "sweep" / "report" / "result.json").read_text())
    assert len(result["arms"]) == 1
    reasons = {run["folder"]: run["reason"] for run in result["left_out"]}
    folder = "trainer.batch_size-{}_trainer.generator_lr-{}".format
    not_finite = folder(8, "1e+30")
    assert reasons.keys() == {not_finite, folder(99, "1e+30"), folder(99, "0.001")}
    assert "not finite" in reasons[not_finite]
    assert f"Excluded     {not_finite}: not finished" in done.stderr
    large = "trainer.batch_size=99: must be at most 32, the number of images"
    assert done.stderr.count(large) == 4  # as each fails, and again in the report


@pytest.mark.slow
def test_after_ctrl_c_a_multirun_prints_how_to_resume(
    run: Run, start: Start, tmp_path: Path
) -> None:
    sweep = ("-m", *TINY, *ARMS, "trainer.steps=100000")
    process = start(*sweep)
    wait_for(tmp_path / "sweep" / FIRST / "samples" / "000004.png", process)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + signal.SIGINT
    command = shlex.split(errors.partition("To resume: ")[2].splitlines()[0])
    again = shlex.split(errors.rpartition("To resume: ")[2].splitlines()[0])
    assert f"resume=sweep/{FIRST}" in command  # only this job
    assert {"resume=auto", "hydra.sweep.dir=sweep"} <= {*again}  # all of them
    step = torch.load(tmp_path / f"sweep/{FIRST}/checkpoints/last.pt", weights_only=True)["step"]
    done = run("train", *(o.replace("100000", str(step + 2)) for o in again[1:]))
    assert done.returncode == 0, done.stderr
    assert f"resumed at step {step}" in done.stderr
    assert (tmp_path / "sweep" / "report" / "index.html").is_file()


def test_a_multirun_without_scores_says_so_and_succeeds(run: Run, tmp_path: Path) -> None:
    done = run("train", "-m", *TINY, *ARMS, "trainer.checkerboard_images=0")
    assert done.returncode == 0
    assert "dcgan-train: no report: runs=sweep: no finished run with scores in it" in done.stderr
    assert not (tmp_path / "sweep" / "report").exists()


@pytest.mark.slow
@pytest.mark.parametrize("options", [["joblib", "seed=0,1"], ["submitit_local"]], ids=" ".join)
def test_parallel_runs_are_reported_too(run: Run, options: list[str]) -> None:
    """Submitit's local launcher works like its SLURM launcher, on this machine."""
    launcher, *seeds = options
    done = run("train", "-m", *TINY, *ARMS, f"hydra/launcher={launcher}", *seeds)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "sweep/report"


def test_the_preset_for_slurm_is_ready() -> None:
    settings = compose("train", ["experiment=checkerboard", "hydra/launcher=slurm"])
    assert settings.hydra.launcher._target_.endswith("SlurmLauncher")
    assert settings.hydra.launcher.cpus_per_task == 4


def sweeps(experiment: str) -> bool:
    return "sweeper" in (CONFIGS / "experiment" / f"{experiment}.yaml").read_text()


@pytest.mark.parametrize("experiment", [name for name in choices("experiment") if sweeps(name)])
def test_each_ablation_compares_arms_over_seeds_on_all_cores(experiment: str) -> None:
    settings = compose("train", [f"experiment={experiment}"])
    swept = {k: str(v).split(",") for k, v in settings.hydra.sweeper.params.items()}
    assert len(swept.pop("seed")) >= 2
    assert any(len(values) >= 2 for values in swept.values())
    assert settings.hydra.launcher.n_jobs == -1
