"""Read files back: any problem with a file becomes a one-line `UserError` that names it.

Nothing here imports torch, so reading settings is fast.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError
from yaml import MarkedYAMLError

from dcgan.errors import UserError, cannot_read, first_line


@contextmanager
def naming(path: Path, kind: str) -> Iterator[None]:
    """Turn any exception raised in the block into `UserError`: PATH: not KIND: REASON.

    If the machine is at fault (memory, the disk), into `MachineError`.

    It catches everything, since libraries raise many types for damaged files; so the block should
    only read and check.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except Exception as error:
        if fault := cannot_read(path, error):
            raise fault from error
        reason = " ".join(_reason(error).split())
        raise UserError(f"{path}: not {kind}: {reason}") from error


def check_archive(path: Path) -> None:
    """Verify the checksums of all records in a zip archive, such as a file from torch.save.

    Raises:
        UserError: a record is damaged, or the file is not such an archive.
    """
    with naming(path, "an intact file"), zipfile.ZipFile(path) as archive:
        if not archive.namelist():
            raise UserError("is empty")
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
