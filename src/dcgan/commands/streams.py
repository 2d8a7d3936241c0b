"""Standard output and error that never stop the run, even if closed, full, or not UTF-8."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class LastingStream(io.TextIOWrapper):
    """A text stream that discards all output after the first failed write."""

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
            os.dup2(nowhere, self.fileno())  # other libraries may write to it too
            os.close(nowhere)


def use_lasting_streams() -> None:
    """Replace both streams; characters missing from their encoding become question marks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed, as by 2>&-; the next opened file would get its number
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
    """Why writing to standard output failed, after flushing it; None if it did not."""
    sys.stdout.flush()
    return getattr(sys.stdout, "failure", None)
