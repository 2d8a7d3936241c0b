"""Errors that commands report in one line instead of a traceback, and exit statuses.

0      done; dcgan-diagnose: clean
1      a run failed; dcgan-diagnose: grid found; dcgan-explain: a claim does not hold;
       dcgan-cure: no cure is clean
2      a mistake in the settings, or an input file that cannot be used
3      dcgan-diagnose could not judge
70     a bug in dcgan; the traceback is printed
74     a problem with the machine: a full or failing disk, a missing permission, too little memory
128+n  stopped by signal n (130: Ctrl-C, 143: SIGTERM, 129: SIGHUP; 141: the output was closed)
"""

import errno
import logging

FAULT = 70  # os.EX_SOFTWARE, which Windows lacks
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "failed to map segment")
MACHINE_ERRORS = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO)
PIPE_CLOSED = 141  # as a shell reports SIGPIPE


class ExpectedError(Exception):
    """Base class of the errors below."""

    exit_status = 1
    level = logging.ERROR

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: one line, too."""
        return [f"{type(self).__name__}: {self}"]


class UserError(ExpectedError, ValueError):
    """An error the user can fix: a setting, a missing file."""

    exit_status = 2


class RunFailed(ExpectedError, RuntimeError):
    """A run that had to stop for a reason other than its settings."""


class MachineError(ExpectedError):
    """A problem with the machine: disk, permission, memory."""

    exit_status = 74  # os.EX_IOERR, which Windows lacks


class Interrupted(ExpectedError):
    """A run that was stopped by a signal, after it was saved."""

    level = logging.WARNING

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # as a shell reports it


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def cannot_read(file: object, error: Exception) -> MachineError | None:
    """The error to raise if the machine is at fault; None if the file's content is."""
    if isinstance(error, OSError):
        at_fault = error.errno in MACHINE_ERRORS
    else:
        at_fault = isinstance(expected(error), MachineError)
    return MachineError(f"{file}: cannot be read ({first_line(error)})") if at_fault else None


def expected(error: Exception) -> ExpectedError | None:
    """Convert an error that the user or the machine can cause; None if `error` is a bug."""
    if isinstance(error, ExpectedError):
        return error
    if isinstance(error, OSError) and error.strerror:
        where = " to ".join(str(name) for name in (error.filename, error.filename2) if name)
        return MachineError(f"{where}: {error.strerror}" if where else error.strerror)
    is_of_torch = isinstance(error, RuntimeError | ImportError)
    says_so = is_of_torch and any(words in str(error) for words in OUT_OF_MEMORY)
    if says_so or isinstance(error, MemoryError):
        return MachineError(f"too little memory ({first_line(error)})")
    return None
