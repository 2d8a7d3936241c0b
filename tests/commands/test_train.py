"""dcgan-train as a user runs it: a real process in an empty folder."""

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from dcgan.training.tracking import read_metrics
from tests.conftest import TINY, Run, choices, command_environment, command_line, real_data

SCRIPTS = Path(__file__).parents[2] / "scripts"
TIMES = ("images_per_second",)  # what two equal runs may differ in


def metrics_without_times(run_dir: Path) -> list[dict[str, float]]:
    lines = read_metrics(run_dir / "metrics.jsonl")
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def assert_same_checkpoint(a: Path, b: Path) -> None:
    """Equal in every bit of every tensor, and in every value but the run's own settings."""
    first, second = (torch.load(p / "checkpoints/last.pt", weights_only=True) for p in (a, b))
    first.pop("config")
    second.pop("config")

    def compare(x: object, y: object, where: str) -> None:
        if isinstance(x, dict) and isinstance(y, dict):
            assert x.keys() == y.keys(), where
            for key in x:
                compare(x[key], y[key], f"{where}.{key}")
        elif isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor):
            assert torch.equal(x, y), where
        else:
            assert x == y, where

    compare(first, second, "checkpoint")


def start(
    cwd: Path, cache_dir: Path, *overrides: str, start_new_session: bool = False
) -> subprocess.Popen[str]:
    """dcgan-train in the background, to be sent signals."""
    return subprocess.Popen(
        command_line("train", *overrides, cache_dir=cache_dir),
        cwd=cwd,
        env=command_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=start_new_session,
        # Whoever starts these tests in the background has Ctrl-C ignored; this child has not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> Path:
    """Wait until a file matches `path`, whose folders may be wildcards, and return it."""
    deadline = time.monotonic() + 60
    pattern = str(path.relative_to(path.anchor))
    while not (found := list(Path(path.anchor).glob(pattern))):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"{path} did not appear: {process.communicate()[1]}")
        time.sleep(0.02)
    return found[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """One whole tiny run; its folder, with what it printed in stdout.txt beside it."""
    folder = tmp_path_factory.mktemp("finished")
    done = subprocess.run(
        command_line("train", *TINY, cache_dir=cache_dir),
        cwd=folder,
        env=command_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    run_dir = folder / done.stdout.splitlines()[-1]
    (run_dir.parent / "stdout.txt").write_text(done.stdout)
    return run_dir


def test_a_run_leaves_what_the_design_promises(finished: Path) -> None:
    assert finished.parts[-4:-1] == ("train", "synthetic", "transposed_k4")
    names = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert {
        *("config.yaml", "train.log", "metrics.jsonl", "result.json", "checkpoints/last.pt"),
        *("samples/000000.png", "samples/000004.png", "samples/000008.png", "samples/real.png"),
    } <= names
    assert any(name.startswith("tensorboard/events") for name in names)
    assert not any(name.endswith((".tmp", ".partial")) for name in names)


def test_it_prints_where_things_are_and_the_folder_last(finished: Path) -> None:
    lines = (finished.parent / "stdout.txt").read_text().splitlines()
    folder = lines[-1]
    text = "\n".join(lines)
    for part in ("samples/000008.png", "checkpoints/last.pt"):
        assert f"{folder}/{part}" in text
    assert f"--samples_per_plugin images=200 --logdir {folder}" in text


def test_result_json_holds_plain_numbers_and_relative_paths(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    assert (result["step"], result["images_seen"], result["resumed_from_step"]) == (8, 64, 0)
    for name in ("samples", "checkpoint", "tensorboard"):
        assert (finished / result[name]).exists()
    assert 0 < result["tracking_share"] < 1
    assert result["metrics"]["step"] == 8


def test_the_written_config_is_the_run(finished: Path) -> None:
    config = yaml.safe_load((finished / "config.yaml").read_text())
    assert config["trainer"]["steps"] == 8
    assert config["data"]["source"] == "synthetic"


def test_logs_have_no_colour_codes(finished: Path) -> None:
    assert "\x1b" not in (finished / "train.log").read_text()
    assert "step 8 of 8" in (finished / "train.log").read_text()


def test_samples_are_pictures_of_the_size_asked_for(finished: Path) -> None:
    with Image.open(finished / "samples" / "000008.png") as picture:
        assert picture.size == (4 * 18 + 2, 4 * 18 + 2)
        assert np.asarray(picture).std() > 0


def test_the_script_is_the_same_command(tmp_path: Path, cache_dir: Path) -> None:
    arguments = [*TINY, f"data.cache_dir={cache_dir}", "hydra.run.dir=here"]
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "train.py"), *arguments],
        cwd=tmp_path,
        env=command_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "here"
    assert (tmp_path / "here" / "result.json").is_file()


@pytest.mark.parametrize(
    "precision", ["32-true", pytest.param("bf16-mixed", marks=pytest.mark.slow)]
)
def test_a_run_that_was_killed_resumes_bit_for_bit(
    run: Run, tmp_path: Path, cache_dir: Path, precision: str
) -> None:
    """SIGKILL in the middle, at a step nobody chose; then resume=auto; then compare everything."""
    options = [*TINY, "trainer.checkpoint_every=20", "trainer.log_every=10"]
    options += [f"trainer.precision={precision}"]
    options += ["trainer.sample_every=50", "resume=auto"]
    killed = start(tmp_path, cache_dir, *options, "trainer.steps=100000", "hydra.run.dir=killed")
    wait_for(tmp_path / "killed" / "samples" / "000100.png", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_saves_and_says_how_to_go_on(
    run: Run, tmp_path: Path, cache_dir: Path, number: signal.Signals
) -> None:
    options = [*TINY, "trainer.steps=100000", "trainer.checkpoint_every=100000"]
    process = start(tmp_path, cache_dir, *options, "seed=5")
    run_dir = wait_for(tmp_path / "outputs/train/*/*/*/samples/000004.png", process).parents[1]
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    step = torch.load(run_dir / "checkpoints" / "last.pt", weights_only=True)["step"]
    assert f"stopped at step {step} of 100000; saved" in errors
    command = errors.partition("To go on: ")[2].splitlines()[0].split()
    assert command[-1] == f"resume={run_dir.relative_to(tmp_path)}"
    assert not (run_dir / "result.json").exists()

    # The command that was printed, with an end that can be waited for.
    options = [o for o in command[1:] if not o.startswith(("trainer.steps", "data.cache_dir"))]
    resumed = run("train", *options, f"trainer.steps={step + 3}")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((run_dir / "result.json").read_text())["resumed_from_step"] == step


def test_a_loss_that_is_not_finite_ends_the_run_by_name(run: Run, tmp_path: Path) -> None:
    done = run("train", *TINY, "trainer.generator_lr=1e30", "hydra.run.dir=here")
    assert done.returncode == 1
    assert "not finite" in done.stderr
    assert "at step" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "here" / "result.json").exists()


def test_resuming_with_other_settings_changes_nothing(run: Run, tmp_path: Path) -> None:
    assert run("train", *TINY, "hydra.run.dir=here").returncode == 0
    before = {p: p.read_bytes() for p in (tmp_path / "here").rglob("*") if p.is_file()}
    done = run("train", *TINY, "resume=here", "trainer.batch_size=4")
    assert done.returncode == 2
    assert "trainer.batch_size=4 (was 8)" in done.stderr
    assert {p: p.read_bytes() for p in (tmp_path / "here").rglob("*") if p.is_file()} == before


def test_a_folder_that_is_no_run_is_refused_and_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    done = run("train", *TINY, "resume=letters")
    assert done.returncode == 2
    assert "letters/checkpoints/last.pt: no such file" in done.stderr
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def test_resume_auto_finds_the_newest_run_with_these_settings(run: Run, tmp_path: Path) -> None:
    first = run("train", *TINY, "resume=auto", "trainer.precision=auto")
    assert first.returncode == 0, first.stderr
    folder = first.stdout.splitlines()[-1]
    other = run("train", *TINY, "resume=auto", "trainer.precision=auto", "trainer.beta2=0.9")
    assert other.returncode == 0, other.stderr  # newer, with the same seed: another recipe
    options = ("resume=auto", "trainer.precision=auto", "trainer.steps=10")
    second = run("train", *TINY, *options)
    assert second.stdout.splitlines()[-1] == folder, second.stderr
    assert json.loads((tmp_path / folder / "result.json").read_text())["resumed_from_step"] == 8
    assert len(list(tmp_path.rglob("result.json"))) == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer.stepz=3"], "trainer.stepz: no such setting; trainer has steps, batch_size"),
        (["+trainer.extra=3"], "trainer.extra: no such setting; trainer has steps"),
        (["foo=1"], "foo: no such setting; there are data, upsample"),
        (["trainer.steps=abc"], "trainer.steps=abc: must be a valid integer"),
        (["trainer.steps=0"], "trainer.steps=0: must be at least 1"),
        (["data=nothing"], "data=nothing: must be one of celeba, cifar10, digits"),
        (["experiment=nothing"], "experiment=nothing: must be one of celeba"),
        (["data=digits", "data.root=x"], "data.root=x: has no effect on data=digits"),
        (["data=mnist", "data.root=missing"], "Place train-images-idx3-ubyte"),
        (["upsample.padding=2"], "does not double a size at stride 2; these do: (1, 0, 1)"),
        (["resume=missing"], "missing: no such file"),
        (["trainer.batch_size=33"], "trainer.batch_size=33: the data has 32 images"),
        (["seed=[1"], "seed=[1: a value with =, spaces or brackets needs quotes of its own"),
        (["seed=null"], "seed=null: must be a valid integer"),
        (["upsample=null"], "a config group takes the name of a choice, such as data=digits"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, overrides: list[str], message: str
) -> None:
    done = run("train", *TINY[:1], *([] if "data=" in overrides[0] else TINY[1:]), *overrides)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("dcgan-train: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


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


def test_a_multirun_goes_on_after_a_failed_job_and_exits_with_an_error(
    run: Run, tmp_path: Path
) -> None:
    sweep = ("-m", *TINY, "trainer.batch_size=8,99,4", "hydra.sweep.dir=sweep")
    done = run("train", *sweep)
    assert done.returncode != 0
    message = "trainer.batch_size=99: the data has 32 images"
    assert done.stderr.count(message) == 2  # as it fails, and when the report leaves it out
    assert "Traceback" not in done.stderr
    assert "HYDRA" not in done.stdout
    assert sorted(p.parent.name for p in tmp_path.rglob("result.json")) == [
        *("report", "trainer.batch_size-4", "trainer.batch_size-8"),
    ]


def test_two_runs_that_start_in_one_second_get_two_folders(tmp_path: Path, cache_dir: Path) -> None:
    arguments = command_line("train", *TINY, cache_dir=cache_dir)
    environment = command_environment()
    processes = [
        subprocess.Popen(arguments, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(list(tmp_path.rglob("result.json"))) == 2


def test_faces_are_trained_on_from_a_plain_folder_of_jpegs(run: Run, tmp_path: Path) -> None:
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


def test_real_mnist_trains_without_a_download(run: Run) -> None:
    root = real_data("MNIST").parent
    tiny = ("generator=tiny", "discriminator=tiny", "trainer=smoke", "trainer.steps=8")
    done = run("train", "experiment=mnist", f"data.root={root}", *tiny, "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    assert "60000 images" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.0, 0.5, 1.0, 2.0])
def test_ctrl_c_before_the_first_step_is_one_line(
    tmp_path: Path, cache_dir: Path, delay: float, number: signal.Signals
) -> None:
    process = start(tmp_path, cache_dir, *TINY, "trainer.steps=100000")
    while "torch" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(delay)  # imports still, prepares or builds
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    if "stopped at step" not in errors:  # it had begun already, and has saved itself
        assert errors == "dcgan-train: interrupted\n"
        assert not list(tmp_path.iterdir())


def test_the_command_to_go_on_survives_a_folder_with_an_odd_name(
    tmp_path: Path, cache_dir: Path
) -> None:
    odd = "an odd=name"
    options = ("trainer.steps=100000", f"hydra.run.dir='{odd}'")
    process = start(tmp_path, cache_dir, *TINY, *options)
    wait_for(tmp_path / odd / "samples" / "000004.png", process)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=30)[1]
    command = shlex.split(errors.partition("To go on: ")[2].splitlines()[0])
    step = torch.load(tmp_path / odd / "checkpoints" / "last.pt", weights_only=True)["step"]
    shorter = [o.replace("100000", str(step + 2)) for o in command]
    subprocess.run(shorter, cwd=tmp_path, env=command_environment(), check=True, timeout=60)
    assert (tmp_path / odd / "result.json").is_file()


@pytest.mark.slow
def test_two_processes_cannot_train_one_run(tmp_path: Path, cache_dir: Path, run: Run) -> None:
    options = (*TINY, "trainer.steps=100000", "hydra.run.dir=shared", "resume=auto")
    first = start(tmp_path, cache_dir, *options)
    wait_for(tmp_path / "shared" / "samples" / "000004.png", first)
    second = run("train", *options)
    first.kill()
    first.communicate(timeout=30)
    assert second.returncode == 2
    assert "hydra.run.dir=shared: another process is training there" in second.stderr


def test_a_run_in_another_runs_folder_is_refused(run: Run, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        assert run("train", *TINY, f"hydra.run.dir={folder}").returncode == 0
    before = (tmp_path / "second" / "checkpoints" / "last.pt").read_bytes()
    for resume in ([], ["resume=first", "trainer.steps=12"]):
        done = run("train", *TINY, *resume, "hydra.run.dir=second")
        assert done.returncode == 2
        assert "hydra.run.dir=second: there is a run already" in done.stderr
    assert (tmp_path / "second" / "checkpoints" / "last.pt").read_bytes() == before


def test_a_mistake_leaves_the_users_own_empty_folders(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine" / "too").mkdir(parents=True)
    for folder in ("mine/too/new/run", "mine/too"):
        done = run("train", *TINY, "trainer.batch_size=33", f"hydra.run.dir={folder}")
        assert done.returncode == 2
        assert not list((tmp_path / "mine" / "too").iterdir())


@pytest.mark.parametrize("folder", ["file", "file/inside", "/proc/x"])
def test_a_folder_that_cannot_be_made_is_one_line(run: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("train", *TINY, f"hydra.run.dir={folder}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"dcgan-train: hydra.run.dir={folder}: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["train", "sample", "diagnose", "explain", "report", "benchmark"])
def test_every_script_is_its_command(name: str, tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith(f"dcgan-{name} ")
