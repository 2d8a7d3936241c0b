"""dcgan-explain as a user runs it."""

import json
from pathlib import Path

from tests.conftest import Run


def test_every_claim_is_checked_and_shown(run: Run, tmp_path: Path) -> None:
    done = run("explain", "hydra.run.dir=page")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "page"
    claims = json.loads((tmp_path / "page" / "result.json").read_text())["claims"]
    assert sum(line.startswith("holds") for line in lines) == len(claims) >= 15
    assert "<!doctype html>" in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
