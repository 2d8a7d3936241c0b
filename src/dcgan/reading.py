"""Files read back: whatever is wrong with one is a user's error, a line that names it and says why.

Nothing here knows torch, so that settings are read without waiting for it.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError
from yaml import MarkedYAMLError

from dcgan.errors import UserError, first_line


@contextmanager
def naming(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever reading a file raises into `UserError`: PATH: not KIND: REASON.

    Only calls that read and check belong inside: libraries raise a different type for every kind of
    damage.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except Exception as error:
        reason = " ".join(_reason(error).split())
        raise UserError(f"{path}: not {kind}: {reason}") from error


def check_archive(path: Path) -> None:
    """Compare every record of a zip archive, such as torch.save writes, with its checksum.

    Raises:
        UserError: a record differs, or the file is no such archive.
    """
    with naming(path, "a whole file"), zipfile.ZipFile(path) as archive:
        if not archive.namelist():
            raise UserError("holds nothing")
        if damaged := archive.testzip():
            raise UserError(f"{damaged} is damaged (its checksum differs)")


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
        return f"{where}: {reason}".removeprefix(": ")
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return first_line(error)
