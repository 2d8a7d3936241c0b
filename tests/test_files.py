"""A file is replaced atomically, or unchanged."""

import json
from pathlib import Path

import pytest

from dcgan.errors import UserError
from dcgan.files import expand, replacing, write_json


def test_the_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_that_are_not_finite_become_null_in_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [1.5, float("inf")], "b": {"c": float("nan")}})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1.5, None], "b": {"c": None}}


def test_an_unknown_home_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    assert expand("a/~b") == Path("a/~b")
    monkeypatch.setattr(Path, "expanduser", unknown)
    with pytest.raises(UserError, match=r"~/cache: the home folder is unknown; give the full path"):
        expand("~/cache")
