"""dcgan-benchmark: it runs and reports; no test asserts a time."""

import json
from pathlib import Path

from tests.conftest import TINY, Run


def test_it_reports_what_tracking_costs(run: Run, tmp_path: Path, cache_dir: Path) -> None:
    tiny = ["data=synthetic", "generator=tiny", "discriminator=tiny", "trainer=smoke", *TINY[1:]]
    rounds = ["rounds=2", "steps_per_round=6", f"data.cache_dir={cache_dir}", "hydra.run.dir=out"]
    done = run("benchmark", *tiny, *rounds)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "out"
    assert "of the run" in done.stdout
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(result["seconds"]["with"]) == len(result["seconds"]["without"]) == 2
    assert 0 < result["inside_share"] < 1
    quartiles = result["paired_ratio"]
    assert quartiles["lower"] <= quartiles["median"] <= quartiles["upper"]


def test_a_mistake_is_one_line(run: Run) -> None:
    done = run("benchmark", "rounds=0")
    assert done.returncode == 2
    assert done.stderr == "dcgan-benchmark: rounds=0: must be at least 1\n"
