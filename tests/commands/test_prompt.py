"""Paths and commands printed for the user to type."""

import shlex
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.commands.composing import compose, to_dataclass
from dcgan.commands.prompt import command_again, command_line, shortest
from dcgan.config import SampleConfig
from dcgan.config.words import setting


def test_paths_are_printed_as_a_user_would_type_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    assert shortest(Path("/tmp/outputs/a")) == Path("outputs/a")
    assert shortest(Path("/usr/a")) == Path("/usr/a")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(["2024_10_05", "1.10", "1e5", "true", "Null", "inf", "-a", "+b"])
    | st.text("ab\\'\"${}()[]=, ;:\n~*|é#%!<>01_.-+", min_size=1, max_size=8)
)
def test_any_text_survives_a_printed_setting(text: str) -> None:
    (word,) = shlex.split(command_line("dcgan-sample", setting("checkpoint", text)))[1:]
    composed = compose("sample", [word])
    assert to_dataclass(composed, SampleConfig).checkpoint == text


@pytest.mark.parametrize(
    "typed", [["a=1", "b=2", "-m"], ["-m", "a=1", "b=2"], ["a=1", "b=2", "--config-dir", "mine"]]
)
def test_settings_stay_together_when_some_are_added(typed: list[str]) -> None:
    line = command_again("train", {"resume": "auto", "b": None}, typed)
    words = [word for word in shlex.split(line)[1:] if "=" in word]
    assert words == ["resume=auto", "a=1"]
    parsed, rest = get_args_parser().parse_known_args(shlex.split(line)[1:])
    assert (parsed.overrides, rest) == (words, [])
