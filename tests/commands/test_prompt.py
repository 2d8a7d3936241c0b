"""Paths and commands printed for the user to type."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.commands.composing import compose, to_dataclass
from dcgan.commands.prompt import command_line, setting, shortest
from dcgan.config import SampleConfig


def test_paths_are_printed_as_a_user_would_type_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    assert shortest(Path("/tmp/outputs/a")) == Path("outputs/a")
    assert shortest(Path("/usr/a")) == Path("/usr/a")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text("ab\\'\"${}()[]=, ;:\n~*|é#%!<>", min_size=1, max_size=8))
def test_any_text_survives_a_printed_setting(text: str) -> None:
    (word,) = shlex.split(command_line("dcgan-sample", setting("checkpoint", text)))[1:]
    composed = compose("sample", [word])
    assert to_dataclass(composed, SampleConfig).checkpoint == text
