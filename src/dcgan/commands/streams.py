"""Standard output and error that never end the work: closed, full, or not in UTF-8."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class LastingStream(io.TextIOWrapper):
    """A text stream whose first failed write ends its output, and nothing else."""

    failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text, unless the stream has failed."""
        with self._lasting():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, unless the stream has failed."""
        with self._lasting():
            super().flush()

    @contextmanager
    def _lasting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failure = error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # for what other libraries write as well
            os.close(nowhere)


def use_lasting_streams() -> None:
    """Replace both streams; a character that their encoding lacks becomes a question mark."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed, as by 2>&-; the next file that is opened would take its place
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: Any = getattr(sys, name)
        if isinstance(stream, LastingStream):
            continue
        lasting = LastingStream(
            open(number, "wb", closefd=False) if stream is None else stream.buffer,  # noqa: SIM115
            encoding="utf-8" if stream is None else stream.encoding,
            errors="replace",
            line_buffering=number == 2 or (stream is not None and stream.line_buffering),
        )
        setattr(sys, name, lasting)


def failure_of_output() -> OSError | None:
    """Why standard output could not be written, after all of it was handed to the system."""
    sys.stdout.flush()
    return getattr(sys.stdout, "failure", None)
