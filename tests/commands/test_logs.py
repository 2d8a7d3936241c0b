"""A run's log file waits for the run's folder."""

import logging
from pathlib import Path

from dcgan.commands.logs import LogFile


def test_a_log_waits_for_its_folder_without_creating_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "train.log"
    handler = LogFile(str(path))
    log = logging.getLogger("a log that waits")
    log.addHandler(handler)
    log.warning("first")
    assert not path.parent.exists()
    path.parent.mkdir()
    log.warning("second")
    assert path.read_text() == "first\nsecond\n"
    handler.close()
