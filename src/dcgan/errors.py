"""What a command reports as one line instead of a traceback, and with which exit status.

All statuses of the commands:

0      done; dcgan-diagnose: clean
1      a run failed; dcgan-diagnose: a grid; dcgan-explain: a claim does not hold
2      a mistake in the settings; nothing was written
3      dcgan-diagnose could not judge
70     a fault in the program, with its traceback
74     the machine refused: a full disk, a file that may not be read or written, too little memory
128+n  stopped by signal n (130: Ctrl-C, 143: SIGTERM; 141: nobody reads the output any more)
"""

import logging

FAULT = 70  # os.EX_SOFTWARE, which Windows lacks
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "failed to map segment")
PIPE_CLOSED = 141  # as a shell reports SIGPIPE


class ExpectedError(Exception):
    """Base of the errors below."""

    exit_status = 1
    level = logging.ERROR


class UserError(ExpectedError, ValueError):
    """A mistake the user can mend: a setting, a missing file."""

    exit_status = 2


class RunFailed(ExpectedError, RuntimeError):
    """A run that could not go on, through no mistake in its settings."""


class MachineError(ExpectedError):
    """What the machine refused: disk, permission, memory."""

    exit_status = 74  # os.EX_IOERR, which Windows lacks


class Interrupted(ExpectedError):
    """A run that was asked to stop, and saved itself first."""

    level = logging.WARNING

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # as a shell reports it


def first_line(error: BaseException) -> str:
    """What an error says, on one line."""
    return (str(error) or type(error).__name__).strip().splitlines()[0]


def expected(error: Exception) -> ExpectedError | None:
    """`error` as one that a user or the machine can cause; None for a fault of the program."""
    if isinstance(error, ExpectedError):
        return error
    if isinstance(error, OSError) and error.strerror:
        where = " to ".join(str(name) for name in (error.filename, error.filename2) if name)
        return MachineError(f"{where}: {error.strerror}" if where else error.strerror)
    out_of_memory = any(words in str(error) for words in OUT_OF_MEMORY)
    if isinstance(error, MemoryError | RuntimeError | ImportError) and (
        out_of_memory or isinstance(error, MemoryError)
    ):
        return MachineError(f"too little memory ({first_line(error)})")
    return None
