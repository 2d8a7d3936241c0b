"""The ablations' own presets, run as multiruns in a few steps."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run

TINY = "generator=tiny"
SMALL = ("discriminator=tiny", "trainer=smoke", "data=synthetic")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "overrides", "arms"),
    [
        ("checkerboard", ["seed=0", TINY], 9),
        ("checkerboard_quick", ["upsample.smooth=false,true", TINY], 6),  # another question on top
        ("checkerboard_discriminator", ["seed=0", TINY], 4),
        ("checkerboard_last_block", ["seed=0", TINY], 3),
        ("flat", ["seed=0", "generator=tiny,flat"], 2),
    ],
)
def test_an_ablation_runs_all_its_arms_and_reports_them(
    run: Run, tmp_path: Path, cache_dir: Path, experiment: str, overrides: list[str], arms: int
) -> None:
    # An experiment's numbers win over the trainer's, so they are set again here.
    short = ("trainer.steps=2", "trainer.num_scored=8", "trainer.batch_size=8")
    cache = f"data.cache_dir={cache_dir}"
    sweep = ("hydra.sweep.dir=sweep", *overrides)
    done = run("train", "-m", f"experiment={experiment}", *SMALL, *short, cache, *sweep)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "sweep" / "report" / "result.json").read_text())
    assert len(result["arms"]) == arms
    assert not result["left_out"]
