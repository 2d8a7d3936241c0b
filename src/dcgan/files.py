"""Paths as users write them; files that are whole or not there at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import to_json as to_json_bytes

from dcgan.errors import ExpectedError, MachineError, UserError

# What is wrong with a path itself; all other errors are the machine's.
PATH_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EINVAL, errno.ENAMETOOLONG)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; flush it to disk and rename it when the block ends.

    If the block raises, the temporary file goes and `path` stays what it was. Two writers at once
    must exclude each other by a lock.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno is not None and error.filename is None:  # such as of a full disk
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def expand(path: str | Path) -> Path:
    """`path`, with ~ as the user's home folder.

    Raises:
        UserError: the system knows no such folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"{path}: the home folder is not known; set HOME") from error


def make_folder(path: Path, setting: str = "hydra.run.dir") -> None:
    """Make the folder of a run, unless it exists.

    Raises:
        UserError, MachineError: it cannot be made; `setting` is what names it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(f"{setting}={path}", error) from error


def cannot_write(setting: str, error: OSError) -> ExpectedError:
    """What to raise if the folder that a setting names cannot be written."""
    kind = UserError if error.errno in PATH_ERRORS else MachineError
    return kind(f"{setting}: {error.strerror}")


def write_json(path: Path, content: Any) -> None:
    """Write plain values as indented JSON, whole or not at all."""
    write_text(path, to_json(content, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(content: Any, indent: int | None = None) -> str:
    """JSON has no infinity: what is not finite becomes null."""
    return to_json_bytes(content, indent=indent, inf_nan_mode="null").decode()
