"""Any problem with a file becomes a one-line error."""

import errno
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dcgan.errors import MachineError, UserError
from dcgan.reading import check_archive, naming
from tests.damage import EXAMPLES, damaged, read_or_refused


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(13, "Permission denied", "x"), "not a list: Permission denied"),
        (ValueError("first\nsecond"), "not a list: first"),
        (KeyError("name"), "not a list: 'name'"),
        (UserError("empty"), "not a list: empty"),
        (FileNotFoundError(2, "No such file or directory", "x"), "no such file"),
    ],
)
def test_the_error_has_the_path_and_the_reason(error: Exception, reason: str) -> None:
    with pytest.raises(UserError) as raised, naming(Path("a", "b"), "a list"):
        raise error
    assert str(raised.value) == f"{Path('a', 'b')}: {reason}"


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EIO, "Input/output error", "x")])
def test_a_fault_of_the_machine_is_not_taken_for_damage(error: Exception) -> None:
    with pytest.raises(MachineError, match=r"^a: cannot be read "), naming(Path("a"), "a list"):
        raise error


def test_the_first_of_several_wrong_values_is_named() -> None:
    with pytest.raises(UserError) as raised, naming(Path("a"), "numbers"):
        TypeAdapter(dict[str, list[int]]).validate_python({"x": [1, "two", "three"]})
    assert str(raised.value).startswith("a: not numbers: x.1: must be a valid integer")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("first", "second"):
            file.writestr(name, name.encode() * 20)
    return path


def test_an_intact_archive_is_accepted_and_a_missing_one_is_named(archive: Path) -> None:
    check_archive(archive)
    with pytest.raises(UserError, match=r"b\.zip: no such file"):
        check_archive(archive.with_name("b.zip"))


@EXAMPLES
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_has_the_same_content(
    archive: Path, data: st.DataObject
) -> None:
    path = archive.with_name("damaged.zip")
    path.write_bytes(data.draw(damaged(archive.read_bytes())))

    def read(path: Path) -> dict[str, bytes]:
        check_archive(path)
        with zipfile.ZipFile(path) as file:
            return {name: file.read(name) for name in file.namelist()}

    for name, content in (read_or_refused(read, path) or {}).items():
        assert content == name.encode() * 20
