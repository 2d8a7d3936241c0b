"""The presets of the ablations, run as multiruns of a few steps."""

import json
import math
from pathlib import Path

import pytest
import yaml

from tests.conftest import CONFIGS, Run

TINY = "generator=tiny"
SMALL = (
    "discriminator=tiny",
    "trainer=smoke",
    "data=synthetic",
    # An experiment's numbers override the trainer's, so they are set again here.
    "trainer.steps=2",
    "trainer.checkerboard_images=8",
    "trainer.batch_size=8",
)


def num_arms(experiment: str, overrides: list[str]) -> int:
    """The number of combinations that a preset sweeps with these overrides, not counting seeds."""
    preset = yaml.safe_load((CONFIGS / "experiment" / f"{experiment}.yaml").read_text())
    swept = dict(preset["hydra"]["sweeper"]["params"])
    swept |= dict(override.split("=", 1) for override in overrides)
    return math.prod(len(str(v).split(",")) for key, v in swept.items() if key != "seed")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "overrides"),
    [
        ("checkerboard", ["seed=0", TINY]),
        ("checkerboard_quick", ["upsample.smooth=false,true", TINY]),  # with one more sweep
        ("checkerboard_64", ["seed=0", TINY]),
        ("checkerboard_discriminator", ["seed=0", TINY]),
        ("checkerboard_last_block", ["seed=0", TINY]),
        ("flat", ["seed=0", "generator=tiny,flat"]),
        ("which", ["seed=0", TINY, "trainer.fid_every=0"]),
    ],
)
def test_an_ablation_runs_and_reports_all_its_arms(
    run: Run, tmp_path: Path, cache_dir: Path, experiment: str, overrides: list[str]
) -> None:
    cache = f"data.cache_dir={cache_dir}"
    # The launcher is as the presets set it, but on the command line; see conftest.
    sweep = ("hydra/launcher=local_parallel", "hydra.sweep.dir=sweep", *overrides)
    done = run("train", "-m", f"experiment={experiment}", *SMALL, cache, *sweep)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "sweep" / "report" / "result.json").read_text())
    assert len(result["arms"]) == num_arms(experiment, overrides)
    assert not result["left_out"]


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ["baseline", "celeba", "mnist"])
def test_a_preset_of_one_run_trains(run: Run, tmp_path: Path, experiment: str) -> None:
    done = run("train", f"experiment={experiment}", *SMALL, TINY, "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "result.json").read_text())["step"] == 2
