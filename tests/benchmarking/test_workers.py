"""Processes are told how to wait and what to do; what is set here stays as it was."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from dcgan.benchmarking.timing import Steps
from dcgan.benchmarking.workers import Worker, at_once


def writing(folder: Path) -> Mapping[str, Steps]:
    """An arm that writes down what it was told, and one variable."""

    def steps(number: int) -> None:
        (folder / str(os.getpid())).write_text(f"{number} {os.environ.get('GOMP_SPINCOUNT')}")

    return {"arm": steps}


def test_each_process_does_its_steps_in_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    build = partial(writing, tmp_path)
    with Worker(build) as first, Worker(build, {"GOMP_SPINCOUNT": None}) as second:
        assert os.environ["GOMP_SPINCOUNT"] == "7"
        at_once([first, second], "arm")(3)
        first.begin("arm", 1)
        assert first.finish() >= 0
        at_once([first, second], "arm")(3)
        assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["3 7", "3 None"]
    assert not first._process.is_alive()


def broken() -> Mapping[str, Steps]:
    """Nothing to do."""
    raise ValueError


def test_a_process_that_fails_is_not_waited_for() -> None:
    with pytest.raises(EOFError):
        Worker(broken)
