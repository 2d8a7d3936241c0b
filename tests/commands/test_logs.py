"""A run's log file waits for the run's folder."""

import logging
from pathlib import Path

import pytest

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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_log_on_a_full_disk_loses_lines_but_prints_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = LogFile("/dev/full")
    record = logging.makeLogRecord({"msg": "lost"})
    handler.handle(record)
    assert capsys.readouterr().err == ""
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("a bug",)}))
    assert "Logging error" in capsys.readouterr().err
    with pytest.raises(OSError, match="No space left"):
        handler.close()
