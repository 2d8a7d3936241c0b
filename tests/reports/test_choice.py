"""Which arm: checkerboard, FID and cost, after as many images and after as much time."""

import json
from pathlib import Path
from typing import Any

import pytest

from dcgan.reports.ablation import analyze
from dcgan.reports.choice import choose, interpolate
from dcgan.reports.page import write_report
from tests.reports.conftest import set_score


def set_speed(runs: Path, arm: str, *speeds: float) -> None:
    """Overwrite the speeds of seeds 0 and 1, in images/s; earlier log intervals are slower."""
    for seed, speed in enumerate(speeds):
        path = runs / arm / f"seed{seed}" / "metrics.jsonl"
        lines = [json.loads(line) for line in path.open()]
        for line in lines:
            if "images_per_second" in line:
                line["images_per_second"] = speed * line["images_seen"] / 64
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def measured(runs: Path) -> Path:
    """FIDs from 32 images on; kernel 3 is faster and has a checkerboard, resizing has none."""
    for arm, fids in {"transposed_k3": (80, 40), "resize_nearest": (40, 10)}.items():
        for seed in (0, 1):
            lines = [
                json.dumps({"step": step, "images_seen": 8 * step, "fid": fid * (1 + seed)})
                for step, fid in zip((4, 8), fids, strict=True)
            ]
            with (runs / arm / f"seed{seed}" / "metrics.jsonl").open("a") as metrics:
                metrics.write("\n".join(lines) + "\n")
    set_speed(runs, "transposed_k3", 90, 100)
    set_speed(runs, "resize_nearest", 75, 70)
    set_score(runs, "transposed_k3", "r2_over_real", lambda seed, _: 20.0 + seed)
    set_score(runs, "transposed_k3", "r2", lambda *_: 9.0)
    set_score(runs, "resize_nearest", "r2_over_real", lambda seed, step: 0.1 * step + 0.01 * seed)
    return runs


def chosen(folder: Path) -> dict[str, Any]:
    ablation = analyze(folder)
    found = choose(ablation, ablation.content()["arms"])
    assert found is not None
    return found[0]


def test_the_lowest_fid_is_first_and_both_are_judged(measured: Path) -> None:
    found = chosen(measured)
    resized, transposed = found["rows"]
    assert (resized["name"], transposed["name"]) == ("nearest + conv k3", "transposed k3")
    assert resized["equal_images"]["fid"].mean == pytest.approx((10 * 20) ** 0.5)
    assert resized["equal_images"]["ratio"].mean == pytest.approx((0.8 * 0.81) ** 0.5)
    verdicts = [row["equal_images"]["verdict"] for row in (resized, transposed)]
    assert verdicts == ["none", "present"]
    assert (resized["images_per_second"], resized["slowest_seed"]) == (75, 70)
    assert (found["images_seen"], found["seconds"]) == (64, 0.64)


def test_at_equal_time_a_slower_arm_has_seen_fewer_images(measured: Path) -> None:
    resized, transposed = chosen(measured)["rows"]
    fids = [transposed[when]["fid"].mean for when in ("equal_time", "equal_images")]
    assert fids[0] == pytest.approx(fids[1])
    assert resized["equal_time"]["images_seen"] == 48  # 64 images at 75 instead of 100 images/s
    # Halfway between 40 and 10, and between 80 and 20, on a logarithmic scale.
    assert resized["equal_time"]["fid"].mean == pytest.approx((20 * 40) ** 0.5)


def test_nothing_is_said_of_a_time_before_the_first_fid(measured: Path, tmp_path: Path) -> None:
    set_speed(measured, "resize_nearest", 35, 30)
    resized, _ = chosen(measured)["rows"]
    assert resized["equal_time"] == {"images_seen": pytest.approx(22.4)}
    result = write_report(measured, tmp_path / "report", "dcgan-train -m <this>")
    names = {"index.html", "fid.md", "fid.png", "choice.md", "choice.png"}
    assert names <= set(result["files"])
    assert all((tmp_path / "report" / name).is_file() for name in result["files"])
    lines = (tmp_path / "report" / "choice.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 8  # twice a header, a rule and two arms
    assert len({line.count("|") for line in table[:4]}) == 1
    assert len({line.count("|") for line in table[4:]}) == 1
    assert table[3].startswith("| transposed k3 | 2 | 20.5 [")
    assert " | present | 56.6 [" in table[3]
    assert table[6] == "| nearest + conv k3 | 22 | – | – | – |"


def test_there_is_no_answer_without_fids_or_speeds(measured: Path, runs: Path) -> None:
    set_speed(measured, "resize_nearest", 75, 0)
    ablation = analyze(measured)
    assert choose(ablation, ablation.content()["arms"]) is None
    set_speed(measured, "resize_nearest", 75, 70)
    path = runs / "resize_nearest" / "seed1" / "metrics.jsonl"
    path.write_text("".join(line for line in path.open() if '"fid"' not in line))
    ablation = analyze(measured)
    assert choose(ablation, ablation.content()["arms"]) is None


def test_scores_are_interpolated_on_a_logarithmic_scale() -> None:
    values = {0: 100.0, 64: 1.0}
    assert interpolate(values, 32) == pytest.approx(10)
    assert interpolate(values, 64) == pytest.approx(1)
    assert interpolate({0: 0.0, 64: 1.0}, 64) == pytest.approx(1)
