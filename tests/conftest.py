"""What the tests share: composed configs, real commands as subprocesses, a cache of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import dcgan.configs
import pytest

# Before torch is imported: as many tests as cores run at once, so one thread is enough for each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from dcgan.commands.composing import compose, to_dataclass
from dcgan.config import TrainConfig

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Compose = Callable[..., TrainConfig]

CONFIGS = Path(dcgan.configs.__path__[0])

# What makes a run so small that it ends in a moment.
TINY = ("experiment=smoke", "data.image_size=16", "data.num_images=32")


def choices(group: str) -> list[str]:
    """The names of every choice of a config group, such as transposed_k3 of upsample."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every test of this session keeps prepared images."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def compose_train(cache_dir: Path) -> Compose:
    """A function that composes the real configs: overrides in, TrainConfig out."""

    def composed(*overrides: str) -> TrainConfig:
        settings = compose("train", [*overrides, f"data.cache_dir={cache_dir}"])
        return to_dataclass(settings, TrainConfig)

    return composed


@pytest.fixture
def tiny(compose_train: Compose) -> Compose:
    """Like compose_train, but a run of 8 steps on 16x16 images."""
    return lambda *overrides: compose_train(*TINY, *overrides)


@pytest.fixture
def run(tmp_path: Path, cache_dir: Path) -> Run:
    """A function that runs a command as a user would, in an empty folder."""

    def run_command(
        name: str, *overrides: str, processes: int = 1, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        line = command_line(name, *overrides, cache_dir=cache_dir, processes=processes)
        return finish(line, tmp_path, **environment)

    return run_command


@pytest.fixture
def start(tmp_path: Path, cache_dir: Path) -> Start:
    """A function that starts dcgan-train in the background, to be sent signals."""

    def start_training(
        *overrides: str, processes: int = 1, start_new_session: bool = False
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command_line("train", *overrides, cache_dir=cache_dir, processes=processes),
            cwd=tmp_path,
            env=command_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=start_new_session,
            preexec_fn=_hear_signals,
        )

    return start_training


def _hear_signals() -> None:
    """Whoever starts these tests in the background has some ignored; this child has not."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


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


def finish(line: Sequence[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        line,
        cwd=cwd,
        env=command_environment(**environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def command_line(name: str, *overrides: str, cache_dir: Path, processes: int = 1) -> list[str]:
    """The installed command, with prepared images kept in the tests' own cache."""
    program = [f"dcgan-{name}"]
    if processes > 1:
        program = ["torchrun", f"--nproc-per-node={processes}", "-m", f"dcgan.commands.{name}"]
        overrides = (*overrides, f"trainer.devices={processes}")
    cache = [f"data.cache_dir={cache_dir}"] if name == "train" else []
    return [str(Path(sys.executable).parent / program[0]), *program[1:], *overrides, *cache]


def command_environment(**extra: str) -> dict[str, str]:
    """One thread, so that tests disturb each other little, and no way to a network."""
    closed = "http://127.0.0.1:9"  # nothing listens there: a download fails at once
    proxies = {f"{scheme}_proxy": closed for scheme in ("http", "https")}
    return {**os.environ, "OMP_NUM_THREADS": "1", **proxies, **extra}


def real_data(name: str) -> Path:
    """A folder of real data beside the checkout; the test is skipped where it is missing."""
    folder = Path(__file__).parents[2] / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder}")
    return folder


def children(parent: int) -> list[int]:
    """The ids of the processes that another has started, on Linux."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # it has just ended
            if f"PPid:\t{parent}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found
