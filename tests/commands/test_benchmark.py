"""dcgan-benchmark runs and reports; no test asserts a time."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run, command_environment

# Python runs this at the start of every process.
WRITE_DOWN = """
import json, os, pathlib, sys
seen = {"environment": dict(os.environ), "command": sys.orig_argv}
pathlib.Path(__file__).with_name(f"{os.getpid()}.json").write_text(json.dumps(seen))
"""


@pytest.mark.slow
def test_every_arm_runs_as_a_user_would_run_it(run: Run, tmp_path: Path, cache_dir: Path) -> None:
    spy = tmp_path / "spy"
    spy.mkdir()
    (spy / "sitecustomize.py").write_text(WRITE_DOWN)
    extra = {"PYTHONPATH": str(spy)}
    overrides = ["experiment=smoke", "data.num_images=32", f"data.cache_dir={cache_dir}"]
    done = run(
        "benchmark",
        "sizes=[[16,1,2]]",
        "rounds=1",
        f"overrides={json.dumps(overrides)}",
        "hydra.run.dir=out",
        **extra,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "out"
    assert (tmp_path / "out" / "benchmark.txt").read_text() in done.stdout
    rows = json.loads((tmp_path / "out" / "result.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["baseline", "baseline, again", "ours", "ours"]
    assert not list((tmp_path / "out").glob("runs-*"))

    seen = [json.loads(path.read_text()) for path in spy.glob("*.json")]
    arms = [each for each in seen if "-m" in each["command"]]
    programs = [each["command"][each["command"].index("-m") + 1] for each in arms]
    assert programs.count("dcgan.commands.train") == 2 * 2 + 1
    assert programs.count("dcgan.benchmarking.baseline") == 2 * 2 + 1
    for each in arms:
        assert each["environment"] == command_environment(**extra)


def test_wrong_settings_of_an_arm_are_refused_before_anything_is_timed(
    run: Run, tmp_path: Path
) -> None:
    done = run("benchmark", 'overrides=["loss.kind=guess"]', "hydra.run.dir=out")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dcgan-benchmark: loss.kind=guess: must be one of")
    assert not (tmp_path / "out").exists()


RACE = ("benchmark", "race=true", "rounds=1", "race_steps=[5,4]", "race_checkpoints=2")


@pytest.mark.slow
def test_a_race_reports_when_each_arm_was_as_good_as_the_baseline(
    run: Run, tmp_path: Path, cache_dir: Path
) -> None:
    small = ["experiment=smoke", "data=digits", "data.image_size=16", "data.num_images=64"]
    overrides = [*small, f"data.cache_dir={cache_dir}"]
    done = run(*RACE, f"overrides={json.dumps(overrides)}", "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "benchmark.txt").read_text() in done.stdout
    assert not list((tmp_path / "out").glob("runs-*"))
    (baseline,), (ours,) = (
        row["runs"] for row in json.loads((tmp_path / "out" / "result.json").read_text())["rows"]
    )
    assert baseline["fid"] <= baseline["target"] == ours["target"]
    assert baseline["images_seen"] in (3 * 8, 5 * 8)
    assert baseline["seconds"] > 0
    assert [each["images_seen"] for each in ours["looked_at"]] in ([2 * 8], [2 * 8, 4 * 8])


@pytest.mark.slow
def test_a_race_without_features_is_refused(run: Run, tmp_path: Path) -> None:
    done = run(*RACE, 'overrides=["experiment=smoke"]', "hydra.run.dir=out", HOME=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert "unlabeled data need Inception features" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()
