"""Trainings on one machine do not share cores, as long as there are enough."""

from pathlib import Path

import pytest
import torch

from dcgan.training.cores import free_cores


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
