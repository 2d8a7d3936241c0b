"""Trainings do not share cores with other programs, as long as there are enough."""

import getpass
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from filelock import FileLock, Timeout

from dcgan.benchmarking.waiting import busy_process
from dcgan.training import cores
from dcgan.training.cores import SECONDS_UNTIL_RETRY, SECONDS_WATCHED, Cores
from tests.conftest import command_environment, command_line


@dataclass
class Machine:
    """One of eight cores."""

    threads: int = 8
    seconds: float = 0.0
    seconds_queued: float = 0.0

    def set_threads(self, number: int) -> None:
        """What torch does on this machine."""
        self.threads = number

    def compute(
        self, cores: Cores, seconds: float = SECONDS_WATCHED, queueing: float = 0.0
    ) -> None:
        """Let so much time pass, in which so many threads queue for a core, then end a step."""
        self.seconds += seconds
        self.seconds_queued += queueing * seconds
        cores.after_step(1)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """On which nothing has set the number of threads, and no training runs."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    result = Machine()
    monkeypatch.setattr(torch, "get_num_threads", lambda: result.threads)
    monkeypatch.setattr(torch, "set_num_threads", result.set_threads)
    monkeypatch.setattr("time.monotonic", lambda: result.seconds)
    monkeypatch.setattr(cores, "_seconds_queued", lambda: {"1": result.seconds_queued})
    return result


@contextmanager
def another_training(tmp_path: Path, cores: Iterable[int]) -> Iterator[None]:
    """Has these cores."""
    folder = tmp_path / f"dcgan-cores-{getpass.getuser()}"
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        for core in cores:
            stack.enter_context(FileLock(folder / f"{core}.lock", timeout=0))
        yield


@pytest.mark.parametrize(("num_cores", "left"), [(0, 8), (3, 5), (8, 1)])
def test_a_training_takes_the_cores_that_are_left_and_the_others_later(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture, num_cores: int, left: int
) -> None:
    caplog.set_level("INFO")
    with ExitStack() as first:
        first.enter_context(another_training(tmp_path, range(num_cores)))
        with Cores() as training:
            assert machine.threads == left
            machine.compute(training)
            assert machine.threads == left
            first.close()
            machine.compute(training)
            assert machine.threads == 8
    assert machine.threads == 8
    text = caplog.text
    assert (f"{num_cores} of 8 cores have another training: this" in text) == (num_cores > 0)
    assert ("cores are free again: 8 of 8 threads after step 1" in text) == (num_cores > 0)
    with another_training(tmp_path, range(8)):
        pass  # all locks have been given back


def test_as_many_threads_less_as_queue_for_a_core(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Cores() as training:
        for queueing, threads in ((0.2, 8), (0.5, 7), (2.9, 4), (0.0, 4), (9.0, 1)):
            machine.compute(training, queueing=queueing)
            assert machine.threads == threads
        with pytest.raises(Timeout), another_training(tmp_path, [0]):  # this one is still ours
            pass
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "7 of 8 after step 1",
        "4 of 8 after step 1",
        "1 of 8 after step 1",
    ]


def test_all_threads_are_tried_again_ever_more_rarely(machine: Machine) -> None:
    with Cores() as training:
        for patience in (SECONDS_UNTIL_RETRY, 2 * SECONDS_UNTIL_RETRY, 4 * SECONDS_UNTIL_RETRY):
            machine.compute(training, queueing=4.0)
            assert machine.threads == 4
            machine.compute(training, patience - SECONDS_WATCHED)
            assert machine.threads == 4
            machine.compute(training)
            assert machine.threads == 8


def test_cores_that_another_training_has_taken_are_not_tried(
    machine: Machine, tmp_path: Path
) -> None:
    with Cores() as training:
        machine.compute(training, queueing=4.0)
        assert machine.threads == 4
        with another_training(tmp_path, (4, 5, 6)):
            machine.compute(training, SECONDS_UNTIL_RETRY)
            assert machine.threads == 5
        machine.compute(training)
        assert machine.threads == 8


def test_a_training_that_shares_a_core_has_it_once_another_gives_it_back(
    machine: Machine, tmp_path: Path
) -> None:
    with ExitStack() as first:
        first.enter_context(another_training(tmp_path, range(8)))
        with Cores() as training:
            first.close()
            machine.compute(training, queueing=0.9)  # both notice the queue
            assert machine.threads == 1
            with pytest.raises(Timeout), another_training(tmp_path, [0]):
                pass


def test_a_moment_is_too_short_to_judge_by(machine: Machine) -> None:
    with Cores() as training:
        machine.compute(training, 0.2 * SECONDS_WATCHED, queueing=1.0)
        machine.compute(training, 0.8 * SECONDS_WATCHED)
        assert machine.threads == 8


def test_the_number_that_the_user_sets_stays(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    machine.threads = 2
    with another_training(tmp_path, range(7)), Cores() as training:
        machine.compute(training, queueing=4.0)
        assert machine.threads == 2
    with another_training(tmp_path, range(6)), Cores():
        for core in (6, 7):  # others know of it
            with pytest.raises(Timeout), another_training(tmp_path, [core]):
                pass


def test_a_thread_that_ends_takes_nothing_from_what_the_others_queued(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_seconds_queued", lambda: {"1": 0.0, "2": 100.0})
    with Cores() as training:
        monkeypatch.setattr(cores, "_seconds_queued", lambda: {"1": 2 * SECONDS_WATCHED})
        machine.compute(training)
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
