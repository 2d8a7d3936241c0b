"""Trainings do not share cores with other programs, as long as there are enough."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from dcgan.training import cores
from dcgan.training.cores import SECONDS_WATCHED, CoreWatch, free_cores
from tests.conftest import command_environment, command_line


@pytest.fixture
def two_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of two cores, on which nothing has set the number of threads."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)


@pytest.mark.usefixtures("two_cores")
def test_the_second_training_takes_what_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_to: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    caplog.set_level("INFO")
    with free_cores() as first:
        assert first == 2
        assert not caplog.messages
        with free_cores() as second:
            assert second == 1
        assert "2 of 2 cores have another training" in caplog.text
    with free_cores() as third:
        assert third == 2
    assert set_to == [2, 1, 2, 2, 2, 2]  # and back, each time


@pytest.mark.usefixtures("two_cores")
def test_what_the_user_sets_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with free_cores() as first, free_cores() as second:
        assert (first, second) == (2, 2)


@dataclass
class Machine:
    """One on which so many of our threads queue for a core."""

    threads: int = 8
    queueing: float = 0.0
    seconds: float = 0.0
    seconds_queued: float = 0.0

    def set_threads(self, number: int) -> None:
        """What torch does on this machine."""
        self.threads = number

    def compute(self, seconds: float) -> None:
        """Let so much time pass."""
        self.seconds += seconds
        self.seconds_queued += self.queueing * seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    result = Machine()
    monkeypatch.setattr(torch, "get_num_threads", lambda: result.threads)
    monkeypatch.setattr(torch, "set_num_threads", result.set_threads)
    monkeypatch.setattr("time.monotonic", lambda: result.seconds)
    monkeypatch.setattr(cores, "_seconds_queued", lambda: result.seconds_queued)
    return result


def test_as_many_threads_less_as_queue_for_a_core(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    watch = CoreWatch()
    for step, queueing, threads in ((1, 0.4, 8), (2, 0.6, 7), (3, 2.9, 4), (4, 0.0, 4), (5, 9, 1)):
        machine.queueing = queueing
        machine.compute(SECONDS_WATCHED)
        watch.after_step(step)
        assert machine.threads == threads
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "from step 2 on 7 of 8 threads",
        "from step 3 on 4 of 7 threads",
        "from step 5 on 1 of 4 threads",
    ]


def test_a_short_burst_of_another_program_does_not_count(machine: Machine) -> None:
    watch = CoreWatch()
    machine.queueing = 1.0
    machine.compute(0.4 * SECONDS_WATCHED)
    watch.after_step(1)
    machine.queueing = 0.0
    machine.compute(0.6 * SECONDS_WATCHED)
    watch.after_step(2)
    assert machine.threads == 8


def test_the_number_that_the_user_sets_stays(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    watch = CoreWatch()
    machine.queueing = 4.0
    machine.compute(SECONDS_WATCHED)
    watch.after_step(1)
    assert machine.threads == 8


@contextmanager
def busy_processor() -> Iterator[None]:
    """Other programs, each of its own session, compute on every core."""
    arguments = [sys.executable, "-c", "while True: pass"]
    processes = [
        subprocess.Popen(arguments, start_new_session=True) for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="Linux tells it")
@pytest.mark.skipif(os.cpu_count() == 1, reason="one thread from the start")
def test_a_training_on_a_busy_processor_goes_on_with_fewer_threads(
    tmp_path: Path, cache_dir: Path
) -> None:
    environment = command_environment(TMPDIR=str(tmp_path))  # with core locks of its own
    del environment["OMP_NUM_THREADS"]
    with (
        busy_processor(),
        subprocess.Popen(
            command_line("train", "experiment=smoke", "trainer.steps=20000", cache_dir=cache_dir),
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        ) as training,
    ):
        assert training.stderr is not None
        found = next((line for line in training.stderr if "keep the processor busy" in line), "")
        training.terminate()
        rest = training.stderr.read()
    assert "WARNING" in found, rest
    assert training.returncode == 128 + signal.SIGTERM
    assert "To go on" in rest
