"""Processes are told how to wait; what is set here stays as it was."""

import os

import pytest

from dcgan.benchmarking.waiting import _environment


def test_a_process_is_told_its_own_way_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with _environment({"OMP_WAIT_POLICY": "PASSIVE"}):
        assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
        assert "GOMP_SPINCOUNT" not in os.environ
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    assert "OMP_WAIT_POLICY" not in os.environ
