"""Trainings do not share cores with other programs, as long as there are enough."""

import os
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from dcgan.benchmarking.waiting import busy_process
from dcgan.training import cores
from dcgan.training.cores import SECONDS_UNTIL_RETRY, SECONDS_WATCHED, CoreWatch, free_cores
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
    """One of eight cores, on which so many of our threads queue for one."""

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
    monkeypatch.setattr(cores, "_seconds_queued", lambda: {"1": result.seconds_queued})
    return result


def test_as_many_threads_less_as_queue_for_a_core(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    watch = CoreWatch()
    for step, queueing, threads in ((1, 0.2, 8), (2, 0.5, 7), (3, 2.9, 4), (4, 0.0, 4), (5, 9, 1)):
        machine.queueing = queueing
        machine.compute(SECONDS_WATCHED)
        watch.after_step(step)
        assert machine.threads == threads
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "7 of 8 after step 2",
        "4 of 8 after step 3",
        "1 of 8 after step 5",
    ]


def test_all_threads_are_tried_again_ever_more_rarely(machine: Machine) -> None:
    watch = CoreWatch()
    for patience in (SECONDS_UNTIL_RETRY, 2 * SECONDS_UNTIL_RETRY, 4 * SECONDS_UNTIL_RETRY):
        machine.queueing = 4.0
        machine.compute(SECONDS_WATCHED)
        watch.after_step(1)
        assert machine.threads == 4
        machine.queueing = 0.0
        machine.compute(patience - SECONDS_WATCHED)
        watch.after_step(2)
        assert machine.threads == 4
        machine.compute(SECONDS_WATCHED)
        watch.after_step(3)
        assert machine.threads == 8


def test_a_moment_is_too_short_to_judge_by(machine: Machine) -> None:
    watch = CoreWatch()
    machine.queueing = 1.0
    machine.compute(0.2 * SECONDS_WATCHED)
    watch.after_step(1)
    machine.queueing = 0.0
    machine.compute(0.8 * SECONDS_WATCHED)
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


def test_a_thread_that_ends_takes_nothing_from_what_the_others_queued(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_seconds_queued", lambda: {"1": 0.0, "2": 100.0})
    watch = CoreWatch()
    monkeypatch.setattr(cores, "_seconds_queued", lambda: {"1": 2 * SECONDS_WATCHED})
    machine.compute(SECONDS_WATCHED)
    watch.after_step(1)
    assert machine.threads == 6


def test_how_long_threads_queued_is_the_second_number_in_nanoseconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "schedstat").write_text("7000000000 2500000000 3\n")
    (tmp_path / "13").mkdir()  # has just ended
    monkeypatch.setattr(cores, "TASKS", tmp_path)
    assert cores._seconds_queued() == {"12": 2.5}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="Linux tells it")
@pytest.mark.skipif(os.cpu_count() == 1, reason="one thread from the start")
def test_a_training_on_a_busy_processor_goes_on_with_fewer_threads(
    tmp_path: Path, cache_dir: Path
) -> None:
    environment = command_environment(TMPDIR=str(tmp_path))  # with core locks of its own
    del environment["OMP_NUM_THREADS"]
    lines = []
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            stack.enter_context(busy_process())
        training = subprocess.Popen(
            command_line("train", "experiment=smoke", "trainer.steps=20000", cache_dir=cache_dir),
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert training.stderr is not None
        for line in training.stderr:
            lines.append(line)
            if "threads queue for cores" in line:
                training.terminate()
        training.wait()
    printed = "".join(lines)
    assert "WARNING threads queue for cores" in printed
    assert "To go on: " in printed
    assert training.returncode == 128 + signal.SIGTERM
