"""dcgan-benchmark: it runs and reports; no test asserts a time."""

import json
from pathlib import Path

from tests.conftest import TINY, Run


def test_it_reports_ratios_equivalence_and_curves(
    run: Run, tmp_path: Path, cache_dir: Path
) -> None:
    tiny = ["data=synthetic", "generator=tiny", "discriminator=tiny", "trainer=smoke", *TINY[1:]]
    few = ["rounds=2", "steps_per_round=2", "tracking_steps=8"]
    done = run("benchmark", *tiny, *few, f"data.cache_dir={cache_dir}", "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "out"
    assert "threads, load" in lines[0]
    assert any(line.startswith("ours, end to end") for line in lines)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(result["rows"]) == 8
    assert 0 < result["tracking_share"] < 1
    assert result["loss_difference_to_float64"]["32-true"]["step 1"] < 1e-5
    assert set(result["data"]) == {"resident", "memory-mapped", "PIL and DataLoader"}
    assert {curve["setting"] for curve in result["scaling"]} == {
        "batch size",
        "filters",
        "image size",
    }
    assert (tmp_path / "out" / "scaling.png").is_file()


def test_a_mistake_is_one_line(run: Run) -> None:
    done = run("benchmark", "rounds=0")
    assert done.returncode == 2
    assert done.stderr == "dcgan-benchmark: rounds=0: must be at least 1\n"
