"""The log of a run, in its folder."""

import logging
from pathlib import Path


class LogFile(logging.FileHandler):
    """Keeps what is logged until the run's folder exists: a run that is refused leaves nothing."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", delay=True)
        self._kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, and those kept before it, if the folder is there."""
        self._kept.append(record)
        while self._kept and Path(self.baseFilename).parent.is_dir():
            super().emit(self._kept.pop(0))
