"""Shared by all tests: composed configs, commands as subprocesses, a cache for prepared images."""

import copy
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, reduce
from importlib import import_module
from operator import getitem
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import dcgan.configs
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

import dcgan.commands

# Set before torch is imported: one test runs per core, so each should use one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from dcgan.commands.composing import compose
from dcgan.config import TrainConfig, build

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Compose = Callable[..., TrainConfig]

CONFIGS = Path(dcgan.configs.__path__[0])

# What commands import sooner or later.
PRELOADED = [
    "tests.preloaded",
    "torch._dynamo",
    *("dcgan.training.loop", "dcgan.evaluation.assessment", "dcgan.reports.page"),
    *(f"dcgan.commands.{path.stem}" for path in Path(dcgan.commands.__path__[0]).glob("[!_]*.py")),
]

# Proxies on a port where nothing listens: downloads fail at once.
NO_NETWORK = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}

# Overrides that make a run small enough to finish at once.
TINY = ("experiment=smoke", "data.image_size=16", "data.num_images=32")


def choices(group: str) -> list[str]:
    """The names of all choices in a config group, such as transposed_k3 in upsample."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache for prepared images, shared by all tests of a session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def compose_train(cache_dir: Path) -> Compose:
    """A function that composes the real configs: overrides in, TrainConfig out.

    Hydra is slow: it composes each set of choices (data=digits) once; values (seed=1) are set here.
    """

    def composed(*overrides: str) -> TrainConfig:
        words = [f"data.cache_dir={cache_dir}", *overrides]
        chosen = [word for word in words if (CONFIGS / word.partition("=")[0]).is_dir()]
        values = copy.deepcopy(_composed(*chosen))
        others = [word for word in words if word not in chosen]
        for word in OverridesParser.create().parse_overrides(others):
            *groups, name = word.key_or_group.split(".")
            reduce(getitem, groups, values)[name] = word.value()
        return build(TrainConfig, values)

    return composed


@cache
def _composed(*chosen: str) -> dict[str, Any]:
    settings = compose("train", chosen)
    own = OmegaConf.masked_copy(settings, [str(key) for key in settings if key != "hydra"])
    values: Any = OmegaConf.to_container(own, resolve=True)
    return values  # type: ignore[no-any-return]


@pytest.fixture
def tiny(compose_train: Compose) -> Compose:
    """Like compose_train, but for a run of 8 steps on 16x16 images."""
    return lambda *overrides: compose_train(*TINY, *overrides)


@pytest.fixture
def run(tmp_path: Path, cache_dir: Path) -> Run:
    """A function that runs a command as a user would, in an empty folder.

    Each run is a process of its own. Unless it starts others or needs a special environment, it is
    forked from one that has imported what commands import, which alone takes them 5 seconds.
    """

    def run_command(
        name: str, *overrides: str, processes: int = 1, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        line = command_line(name, *overrides, cache_dir=cache_dir, processes=processes)
        launches = processes > 1 or any(w.startswith("hydra/launcher=") for w in overrides)
        if launches or environment or not hasattr(os, "fork"):
            return finish(line, tmp_path, **environment)
        return finish_forked(name, line, tmp_path)

    return run_command


@pytest.fixture
def start(tmp_path: Path, cache_dir: Path) -> Start:
    """A function that starts dcgan-train in the background, so that tests can send it signals."""

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
            preexec_fn=_unignore_signals,
        )

    return start_training


def _unignore_signals() -> None:
    """Restore default handlers, since tests started in the background may ignore signals."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_for(path: Path, process: subprocess.Popen[str]) -> Path:
    """Wait until a file matches `path`, which may contain wildcards, and return it."""
    deadline = time.monotonic() + 60
    pattern = str(path.relative_to(path.anchor))
    while not (found := list(Path(path.anchor).glob(pattern))):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"{path} did not appear: {process.communicate()[1]}")
        time.sleep(0.02)
    return found[0]


def finish(line: Sequence[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program until it exits."""
    return subprocess.run(
        line,
        cwd=cwd,
        env=command_environment(**environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def finish_forked(name: str, line: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command until it exits, in a fork of a process that has imported what it needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with NamedTemporaryFile() as stdout, NamedTemporaryFile() as stderr:
        outputs = (stdout.name, stderr.name)
        given = (name, line, cwd, command_environment(), outputs)
        process = context.Process(target=_be_command, args=given)
        process.start()
        process.join(300)
        ended = process.exitcode is not None
        if not ended:
            process.kill()
            process.join()
        out, err = (Path(output).read_text(encoding="utf-8") for output in outputs)
    assert ended, f"{line} did not end: {err}"
    return subprocess.CompletedProcess(line, process.exitcode or 0, out, err)


def _be_command(
    name: str, line: list[str], cwd: Path, environment: dict[str, str], outputs: Sequence[str]
) -> None:
    """Become the command: its arguments, folder, environment and outputs."""
    sys.argv = line
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for stream, output in zip((sys.stdout, sys.stderr), outputs, strict=True):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream.fileno())
    if line[0].endswith(".py"):
        sys.path.insert(0, str(Path(line[0]).parent))
        runpy.run_path(line[0], run_name="__main__")
    else:
        import_module(f"dcgan.commands.{name}").main()


def command_line(name: str, *overrides: str, cache_dir: Path, processes: int = 1) -> list[str]:
    """The command line of an installed command, using the tests' cache for prepared images."""
    program = [f"dcgan-{name}"]
    if processes > 1:
        program = ["torchrun", f"--nproc-per-node={processes}", "-m", f"dcgan.commands.{name}"]
        overrides = (*overrides, f"trainer.devices={processes}")
    cache = [f"data.cache_dir={cache_dir}"] if name == "train" else []
    return [str(Path(sys.executable).parent / program[0]), *program[1:], *overrides, *cache]


def command_environment(**extra: str) -> dict[str, str]:
    """An environment with one thread, so that tests interfere little, and without a network."""
    return {**os.environ, "OMP_NUM_THREADS": "1", **NO_NETWORK, **extra}


def real_data(name: str) -> Path:
    """A folder of real data next to the checkout; if it is missing, skip the test."""
    folder = Path(__file__).parents[2] / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}")
    return folder


def children(parent: int) -> list[int]:
    """The ids of a process's children, on Linux."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # that process has just ended
            if f"PPid:\t{parent}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found
