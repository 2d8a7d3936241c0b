"""FID over training as a table and curves, and as the report of runs without other scores."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from dcgan.errors import UserError
from dcgan.reports.fid import fid_report
from dcgan.reports.page import render, write_report


@pytest.fixture
def measured(runs: Path) -> Path:
    """FIDs of 30, 20 and 25 for kernel 3, and of 3, 2 and 2 for resizing; doubled for seed 1."""
    for arm, fids in {"transposed_k3": (30, 20, 25), "resize_nearest": (3, 2, 2)}.items():
        for seed in (0, 1):
            lines = [
                json.dumps({"step": step, "images_seen": 8 * step, "fid": fid * (1 + seed)})
                for step, fid in zip((2, 4, 8), fids, strict=True)
            ]
            with (runs / arm / f"seed{seed}" / "metrics.jsonl").open("a") as metrics:
                metrics.write("\n".join(lines) + "\n")
    return runs


def test_arms_are_sorted_by_last_fid(measured: Path) -> None:
    (first, second), _, _ = fid_report(measured)
    assert first["settings"]["upsample.kind"] == "resize"
    assert first["last_fid"].mean == pytest.approx((2 * 4) ** 0.5)  # geometric, over seeds
    assert second["last_fid"].mean == pytest.approx((25 * 50) ** 0.5)
    assert second["best_fid"].mean == pytest.approx((20 * 40) ** 0.5)
    assert (first["last_over_best"], second["last_over_best"]) == (1, 1.25)
    assert (second["seeds"], second["images_seen"]) == ([0, 1], 64)
    # The worst arm ends at √(25·50) ≈ 35, which its own second seed (60, 40, 50) never reaches.
    assert (first["images_to_worst"], second["images_to_worst"]) == (16, None)
    assert "seed" not in first["settings"]


def test_a_name_with_a_bar_stays_in_its_cell(measured: Path) -> None:
    for config in (measured / "transposed_k3").glob("*/config.yaml"):
        settings = yaml.safe_load(config.read_text())
        settings["data"] |= {"source": "folder", "root": "a|b\n$c$", "num_images": None}
        config.write_text(yaml.safe_dump(settings))
    (measured / "x|y").mkdir()
    (measured / "x|y" / "train.log").touch()
    rows, left_out, _ = fid_report(measured)
    text = render("fid.md", fid=rows, left_out=left_out, command="command\nof two lines")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4  # header, rule, two arms, and no blank line between
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert r"| a\|b \$c\$ |" in text
    assert r"- x\|y: never started" in text
    assert "    command\n    of two lines\n" in text


def test_runs_without_scores_get_a_report_of_fids_only(measured: Path, tmp_path: Path) -> None:
    for metrics in measured.glob("*/*/metrics.jsonl"):
        lines = [line for line in metrics.read_text().splitlines() if '"std"' not in line]
        metrics.write_text("\n".join(lines) + "\n")
    result = write_report(measured, tmp_path / "report", "command")
    assert result["files"] == ["fid.md", "fid.png", "result.json"]
    assert len(result["fid"]) == 2


def test_runs_with_neither_are_an_error(runs: Path) -> None:
    with pytest.raises(UserError, match="no finished run with fids in it"):
        fid_report(runs)


def test_a_single_run_matches_itself(measured: Path) -> None:
    for folder in {*measured.glob("*/seed1"), *measured.glob("resize_nearest/*")}:
        shutil.rmtree(folder)
    metrics = measured / "transposed_k3" / "seed0" / "metrics.jsonl"
    text = metrics.read_text()
    for fid in (50.1, 110.2, 23.45):  # exp(log(x)) < x
        metrics.write_text(
            text.replace('"fid": 25', f'"fid": {fid}').replace('"fid": 20', '"fid": 999')
        )
        (row,), _, _ = fid_report(measured)
        assert row["images_to_worst"] is not None


def test_a_longer_seed_counts_as_far_as_the_others_go(measured: Path) -> None:
    before = fid_report(measured)[0]
    with (measured / "transposed_k3" / "seed1" / "metrics.jsonl").open("a") as metrics:
        metrics.write(json.dumps({"step": 16, "images_seen": 128, "fid": 1}) + "\n")
    after = fid_report(measured)[0]
    assert [row["last_fid"] for row in after] == [row["last_fid"] for row in before]
    assert [row["images_seen"] for row in after] == [64, 64]


def test_why_there_is_no_page_is_said(measured: Path, tmp_path: Path) -> None:
    for folder in (measured / "resize_nearest").iterdir():
        lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
        (folder / "metrics.jsonl").write_text("".join(x for x in lines if '"step":0' not in x))
    shutil.rmtree(measured / "transposed_k3")
    result = write_report(measured, tmp_path / "report", "command")
    assert "index.html" not in result["files"]
    assert "no scores at step 0" in result["no_page"]
