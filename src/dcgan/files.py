"""Paths as users write them, and atomic file writes."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic_core import to_json as to_json_bytes

from dcgan.errors import ExpectedError, MachineError, UserError

# What is wrong with a path itself; all other errors are the machine's.
PATH_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EINVAL, errno.ENAMETOOLONG)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; at the end of the block, flush and rename it.

    If the block raises, the temporary file is deleted and `path` is unchanged. Concurrent writers
    need a lock.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno is not None and error.filename is None:  # as for a full disk
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def expand(path: str | Path) -> Path:
    """`path` with ~ expanded to the user's home folder.

    Raises:
        UserError: the home folder is unknown, or that of another user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"{path}: the home folder is unknown; give the full path") from error


@contextmanager
def locked(lock: Path) -> Iterator[OSError | None]:
    """Hold a lock file in the block; if its folder cannot be written, yield the error instead."""
    held, refusal = FileLock(lock), None
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except OSError as error:
        refusal = error
    try:
        yield refusal
    finally:
        held.release()


def make_folder(path: Path, setting: str = "hydra.run.dir") -> None:
    """Create a run's folder, unless it exists.

    Raises:
        UserError, MachineError: it cannot be created; the message names `setting`.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(f"{setting}={path}", error) from error


def cannot_write(setting: str, error: OSError) -> ExpectedError:
    """The error to raise if the folder that a setting names cannot be written."""
    kind = UserError if error.errno in PATH_ERRORS else MachineError
    return kind(f"{setting}: {error.strerror}")


def write_json(path: Path, content: Any) -> None:
    """Write plain values as indented JSON, atomically."""
    write_text(path, to_json(content, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(content: Any, indent: int | None = None) -> str:
    """Convert to JSON; numbers that are not finite become null, since JSON has none."""
    return to_json_bytes(content, indent=indent, inf_nan_mode="null").decode()
