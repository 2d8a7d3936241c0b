"""A run's log file, in the run's folder."""

import logging
import sys
from pathlib import Path


class LogFile(logging.FileHandler):
    """Holds records back until the run's folder exists, so that a refused run leaves nothing."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", delay=True)
        self._kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record and those held back before it, if the folder exists."""
        self._kept.append(record)
        while self._kept and Path(self.baseFilename).parent.is_dir():
            super().emit(self._kept.pop(0))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Lose a line that the disk refuses: the run itself reports that, without a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
