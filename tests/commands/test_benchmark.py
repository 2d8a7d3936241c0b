"""dcgan-benchmark: it runs and reports; no test asserts a time."""

import json
from pathlib import Path

import pytest

from dcgan.benchmarking.apart import PLAIN, PLAIN_KEPT
from dcgan.benchmarking.waiting import SITUATIONS, WAYS
from tests.conftest import TINY, Run

TINY_BENCHMARK = [
    *("data=synthetic", "generator=tiny", "discriminator=tiny", "trainer=smoke", *TINY[1:]),
    *("rounds=2", "seconds_per_turn=0.01", "tracking_steps=8", "hydra.run.dir=out"),
]


@pytest.mark.slow
def test_one_size_alone(run: Run, tmp_path: Path, cache_dir: Path) -> None:
    without = ["further_sizes=[]", "scaling=false", "waiting=false"]
    done = run("benchmark", *TINY_BENCHMARK, *without, f"data.cache_dir={cache_dir}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "out"
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(result["rows"]) == 8
    assert not {"waiting", "scaling"} & set(result)
    assert not (tmp_path / "out" / "scaling.png").exists()
    assert "INFO" not in done.stderr  # what the timed runs say


@pytest.mark.slow
def test_it_reports_ratios_equivalence_and_curves(
    run: Run, tmp_path: Path, cache_dir: Path
) -> None:
    more = ["further_sizes=[[32,2]]", f"data.cache_dir={cache_dir}"]
    done = run("benchmark", *TINY_BENCHMARK, *more)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (tmp_path / "out" / "benchmark.txt").read_text() in done.stdout
    assert lines[-1] == "out"
    assert "threads, load" in lines[0]
    assert any(line.startswith("  ours, end to end") for line in lines)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    warnings = [line for line in lines if line.startswith("Warning: ")]
    assert warnings == ([f"Warning: {result['warning']}"] if result["warning"] else [])
    assert [row["image_size"] for row in result["rows"]] == [16] * 8 + [32] * 8
    assert [row["tracking_share"] > 0 for row in result["rows"]] == ([False] * 6 + [True] * 2) * 2
    for each in result["apart"]:
        assert set(each["arms"]) == {PLAIN, PLAIN_KEPT, "32-true", "bf16-mixed"}
        assert all(found["page_faults"] >= 0 for found in each["arms"].values())
        assert each["arms"][PLAIN]["ratio"]["median"] == 1
    for found in result["breakdown"]:
        assert sum(found["shares"].values()) == pytest.approx(1)
        assert all(share > 0 for share in found["shares"].values())
    assert result["loss_difference_to_float64"]["32-true"]["step 1"] < 1e-5
    assert set(result["data"]) == {"resident", "memory-mapped", "PIL and DataLoader"}
    assert set(result["waiting"]) == {"32-true", "bf16-mixed"}
    for by_situation in result["waiting"].values():
        assert set(by_situation) == set(SITUATIONS)
        for times in by_situation.values():
            assert set(times) == set(WAYS)
            assert all(ms["median"] > 0 for ms in times.values())
    assert {curve["setting"] for curve in result["scaling"]} == {
        "batch size",
        "filters",
        "image size",
    }
    assert (tmp_path / "out" / "scaling.png").is_file()


def test_a_mistake_is_one_line(run: Run) -> None:
    for mistake, message in (
        ("rounds=0", "rounds=0: must be at least 1"),
        ("seconds_per_turn=0", "seconds_per_turn=0.0: must be above 0, finite"),
        (
            "further_sizes=[64,64]",
            "further_sizes=[64, 64]: must be a list of pairs, [[pixels, filters], …]",
        ),
    ):
        done = run("benchmark", mistake)
        assert done.returncode == 2
        assert done.stderr == f"dcgan-benchmark: {message}\n"
