"""The log of a run waits for its folder."""

import logging
from pathlib import Path

from dcgan.commands.logs import LogFile


def test_a_log_waits_for_its_folder_and_does_not_make_it(tmp_path: Path) -> None:
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


def test_what_was_kept_is_written_at_the_end(tmp_path: Path) -> None:
    handler = LogFile(str(tmp_path / "run" / "train.log"))
    handler.emit(logging.LogRecord("", logging.INFO, "", 0, "alone", (), None))
    (tmp_path / "run").mkdir()
    handler.flush()  # as logging.shutdown does
    assert (tmp_path / "run" / "train.log").read_text() == "alone\n"
    handler.close()
