"""Paths and commands, printed to be typed."""

from pathlib import Path

import pytest

from dcgan.commands.prompt import shortest


def test_paths_are_printed_as_a_person_would_type_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    assert shortest(Path("/tmp/outputs/a")) == Path("outputs/a")
    assert shortest(Path("/usr/a")) == Path("/usr/a")
