"""dcgan-train as a user runs it: a real process in an empty folder."""

import json
import operator
import shlex
import shutil
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from dcgan.commands.composing import compose_run
from dcgan.commands.train import folder_of
from dcgan.config.identity import LAST, flatten
from dcgan.config.words import setting
from dcgan.training.devices import resolve_precision
from dcgan.training.records import read_metrics
from tests.conftest import (
    CONFIGS,
    TINY,
    Compose,
    Run,
    Start,
    choices,
    finish_forked,
    wait_for,
)

ODD = "$(touch x); 'a' \"b\" ${c} ,=é"  # a folder's name
SCRIPTS = Path(__file__).parents[2] / "scripts"


def metrics_without_times(run_dir: Path) -> list[dict[str, float]]:
    lines = read_metrics(run_dir / "metrics.jsonl")
    return [{k: v for k, v in line.items() if k != "images_per_second"} for line in lines]


def assert_same_checkpoint(a: Path, b: Path) -> None:
    """Every tensor is equal bit for bit, and so is every value except the run's own settings."""
    first, second = (torch.load(p / "checkpoints/last.pt", weights_only=True) for p in (a, b))
    first["config"] = second["config"]
    values, others = dict(flatten(first)), dict(flatten(second))
    assert values.keys() == others.keys()
    for name, value in values.items():
        same = torch.equal if isinstance(value, torch.Tensor) else operator.eq
        assert same(value, others[name]), name


def test_a_run_writes_all_its_files_and_prints_where(run: Run, tmp_path: Path) -> None:
    done = run("train", *TINY)
    assert done.returncode == 0, done.stderr
    folder = done.stdout.splitlines()[-1]
    for words in ("/samples/000008.png", "/checkpoints/last.pt"):
        assert folder + words in done.stdout
    assert f"--samples_per_plugin images=200 --logdir {folder}" in done.stdout

    assert Path(folder).parts[:-1] == ("outputs", "train", "synthetic", "transposed_k4")
    run_dir = tmp_path / folder
    names = {str(path.relative_to(run_dir)) for path in run_dir.rglob("*") if path.is_file()}
    assert {
        *("config.yaml", "train.log", "metrics.jsonl", "result.json", "checkpoints/last.pt"),
        *("samples/000000.png", "samples/000004.png", "samples/000008.png", "samples/real.png"),
    } <= names
    assert any(name.startswith("tensorboard/events") for name in names)
    assert not any(name.endswith((".tmp", ".partial")) for name in names)

    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    assert (config["trainer"]["steps"], config["data"]["source"]) == (8, "synthetic")
    log = (run_dir / "train.log").read_text()
    assert "step 8 of 8" in log
    assert "\x1b" not in log  # no colors
    result = json.loads((run_dir / "result.json").read_text())
    assert (result["step"], result["images_seen"], result["resumed_from_step"]) == (8, 64, 0)
    assert all((run_dir / result[name]).exists() for name in ("samples", "checkpoint"))
    assert (run_dir / result["tensorboard"]).exists()
    assert 0 < result["tracking_share"] < 1
    assert result["metrics"]["step"] == 8
    with Image.open(run_dir / "samples" / "000008.png") as picture:
        assert picture.size == (4 * 18 + 2, 4 * 18 + 2)
        assert np.asarray(picture).std() > 0


@pytest.mark.parametrize(
    "precision", ["32-true", pytest.param("bf16-mixed", marks=pytest.mark.slow)]
)
def test_a_killed_run_resumes_bit_for_bit(
    run: Run, start: Start, tmp_path: Path, precision: str
) -> None:
    """SIGKILL at an arbitrary step, then resume=auto, then compare everything."""
    options = [*TINY, "trainer.checkpoint_every=20", "trainer.log_every=10"]
    options += [f"trainer.precision={precision}"]
    options += ["trainer.sample_every=50", "resume=auto"]
    killed = start(*options, "trainer.steps=100000", "hydra.run.dir=killed")
    wait_for(tmp_path / "killed" / "samples" / "000100.png", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL
    saved = torch.load(tmp_path / "killed" / "checkpoints" / "last.pt", weights_only=True)["step"]
    assert saved >= 80

    for folder in ("killed", "whole"):
        done = run("train", *options, f"trainer.steps={saved + 45}", f"hydra.run.dir={folder}")
        assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "killed" / "result.json").read_text())
    assert result["resumed_from_step"] == saved
    assert_same_checkpoint(tmp_path / "killed", tmp_path / "whole")
    assert metrics_without_times(tmp_path / "killed") == metrics_without_times(tmp_path / "whole")
    pictures = sorted(path.name for path in (tmp_path / "whole" / "samples").iterdir())
    assert pictures == sorted(path.name for path in (tmp_path / "killed" / "samples").iterdir())
    for name in pictures:
        first, second = (tmp_path / folder / "samples" / name for folder in ("whole", "killed"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("number", "options", "folder"),
    [
        (signal.SIGTERM, [], "outputs/train/*/*/*"),
        (signal.SIGHUP, [setting("hydra.run.dir", ODD)], ODD),  # the terminal is closed
    ],
)
def test_a_stopped_run_saves_and_prints_how_to_resume(
    start: Start, tmp_path: Path, number: signal.Signals, options: list[str], folder: str
) -> None:
    endless = ("trainer.steps=100000", "trainer.checkpoint_every=99999", "seed=5")
    process = start(*TINY, *endless, *options)
    run_dir = wait_for(tmp_path / folder / "samples/000004.png", process).parents[1]
    process.send_signal(number)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    step = torch.load(run_dir / "checkpoints" / "last.pt", weights_only=True)["step"]
    assert f"stopped at step {step} of 100000; saved" in errors
    command = shlex.split(errors.partition("To resume: ")[2].splitlines()[0])
    assert setting("resume", run_dir.relative_to(tmp_path)) in command
    assert not (run_dir / "result.json").exists()

    assert not (tmp_path / "x").exists()

    # The printed command, with few enough steps to finish.
    few = [word.replace("100000", str(step + 3)) for word in command]
    resumed = finish_forked("train", few, tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((run_dir / "result.json").read_text())["resumed_from_step"] == step


def test_a_non_finite_loss_aborts_the_run_and_is_reported(run: Run, tmp_path: Path) -> None:
    done = run("train", *TINY, "trainer.generator_lr=1e30", "hydra.run.dir=here")
    assert done.returncode == 1
    assert "not finite" in done.stderr
    assert "at step" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "here" / "result.json").exists()


def test_a_refused_start_or_resume_changes_nothing(run: Run, tmp_path: Path) -> None:
    assert run("train", *TINY, "hydra.run.dir=first").returncode == 0
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    taken = "hydra.run.dir=second: there is a run already; resume=auto resumes it\n"
    differing = "discriminator.filters=8 (was 4); seed=3 (was 0); trainer.batch_size=4 (was 8)"
    for line, message in {
        "hydra.run.dir=second": taken,
        "hydra.run.dir=second resume=first trainer.steps=12": taken,
        "resume=letters": "letters/checkpoints/last.pt: no such file",
        "resume=first seed=3 trainer.batch_size=4 discriminator.filters=8": (
            f"{differing}; only these may: data.cache_dir"
        ),
    }.items():
        done = run("train", *TINY, *line.split())
        assert done.returncode == 2
        assert message in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_resume_auto_extends_the_run_with_these_settings(run: Run, tmp_path: Path) -> None:
    first = run("train", *TINY, "resume=auto", "trainer.precision=auto")
    assert first.returncode == 0, first.stderr
    folder = first.stdout.splitlines()[-1]
    options = ("resume=auto", "trainer.precision=auto", "trainer.steps=10")
    second = run("train", *TINY, *options)
    assert second.stdout.splitlines()[-1] == folder, second.stderr
    assert json.loads((tmp_path / folder / "result.json").read_text())["resumed_from_step"] == 8
    assert len(list(tmp_path.rglob("result.json"))) == 1


def test_resume_auto_looks_for_the_precision_that_auto_means(tmp_path: Path, tiny: Compose) -> None:
    auto = tiny("resume=auto", "trainer.precision=auto")
    resolved = resolve_precision(auto.trainer).precision
    for precision in ("32-true", "bf16-mixed"):
        config = tiny(f"trainer.precision={precision}")
        (tmp_path / precision / "checkpoints").mkdir(parents=True)
        (tmp_path / precision / "config.yaml").write_text(yaml.safe_dump(asdict(config)))
        torch.save({}, tmp_path / precision / LAST)
    assert folder_of(auto, tmp_path / "new") == tmp_path / resolved


def test_a_typo_in_a_file_is_refused_too(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "typo.yaml").write_text("# @package _global_\ntrainer:\n  stepz: 3\n")
    (folder / "wrong.yaml").write_text("# @package _global_\ntrainer:\n  steps: many\n")
    for name, message in (
        ("typo", "dcgan-train: trainer.stepz: no such setting; trainer has steps"),
        ("wrong", "dcgan-train: trainer.steps=many: must be a valid integer"),
    ):
        done = run("train", "--config-dir", "mine", f"experiment={name}")
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


def test_help_config_and_completion(run: Run) -> None:
    shown = run("train", "--help")
    assert shown.returncode == 0
    assert "dcgan-train data=mnist data.root=PATH" in shown.stdout
    assert f"upsample: {choices('upsample')[0]}" in shown.stdout
    config = run("train", "--cfg", "job", "upsample=transposed_k3")
    assert yaml.safe_load(config.stdout)["upsample"]["kernel_size"] == 3
    words = run("train", "-sc", "query=bash", COMP_LINE="dcgan-train upsample=sub", COMP_POINT="24")
    known = [f"upsample={name}" for name in choices("upsample") if name.startswith("sub")]
    assert words.stdout.split() == known


def test_two_runs_that_start_in_one_second_get_two_folders() -> None:
    folders = {compose_run("train", TINY, lambda _, new: new)[2] for _ in range(2)}
    assert len(folders) == 2


def test_faces_train_from_a_folder_of_jpegs(run: Run, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8)
    (tmp_path / "faces").mkdir()
    for number in range(1, 21):
        face = Image.fromarray(np.roll(pixels, number, axis=0)).resize((178, 218))
        face.save(tmp_path / "faces" / f"{number:06d}.jpg")
    done = run("train", "experiment=smoke", "data=celeba", "data.root=faces", "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())["data"]["crop"] == 178
    with Image.open(tmp_path / "out" / "samples" / "000008.png") as picture:
        assert picture.size == (4 * 66 + 2, 4 * 66 + 2)


@pytest.mark.parametrize(("delay", "number"), [(0.0, signal.SIGINT), (2.0, signal.SIGTERM)])
def test_ctrl_c_before_the_first_step_is_one_line(
    start: Start, tmp_path: Path, delay: float, number: signal.Signals
) -> None:
    process = start(*TINY, "trainer.steps=100000")
    while "torch" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(delay)  # still importing, preparing data or building networks
    process.send_signal(number)
    time.sleep(0.01)
    process.send_signal(number)  # as if the key bounced
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    if "stopped at step" not in errors:  # else it had already started, and saved
        assert errors == "dcgan-train: interrupted\n"
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_two_processes_cannot_train_the_same_run(run: Run, start: Start, tmp_path: Path) -> None:
    options = (*TINY, "trainer.steps=100000", "hydra.run.dir=shared", "resume=auto")
    first = start(*options)
    wait_for(tmp_path / "shared" / "samples" / "000004.png", first)
    second = run("train", *options)
    first.kill()
    first.communicate(timeout=300)
    assert second.returncode == 2
    assert "hydra.run.dir=shared: another process is training there" in second.stderr


def test_a_mistake_leaves_the_users_empty_folders_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine" / "too").mkdir(parents=True)
    for folder in ("mine/too/new/run", "mine/too"):
        done = run("train", *TINY, "trainer.batch_size=33", f"hydra.run.dir={folder}")
        assert done.returncode == 2
        assert not list((tmp_path / "mine" / "too").iterdir())


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_every_script_has_a_help_with_an_example(script: Path, tmp_path: Path) -> None:
    shown = finish_forked("", [str(script), "--help"], tmp_path)
    if not (CONFIGS / f"{script.stem}.yaml").is_file():  # not a command
        assert f"\n    python scripts/{script.name} " in shown.stdout
        return
    assert shown.stdout.startswith(f"dcgan-{script.stem} ")
    assert f"\n  dcgan-{script.stem} " in shown.stdout
