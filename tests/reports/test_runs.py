"""Finding runs, grouping them, and excluding some with a reason."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from dcgan.errors import UserError
from dcgan.reports.ablation import analyze
from dcgan.reports.runs import common_moments, find_runs, sort_into_arms
from dcgan.training.loop import train
from tests.conftest import TINY, Compose


def test_runs_are_grouped_into_arms_by_differing_settings(runs: Path) -> None:
    found, left_out = find_runs(runs)
    assert not left_out
    arms = sort_into_arms(found)
    assert [arm.name for arm in arms] == ["transposed k3", "nearest + conv k3"]
    assert [[run.config["seed"] for run in arm.runs] for arm in arms] == [[0, 1], [0, 1]]
    assert common_moments(arms) == [0, 16, 32, 64]
    assert len(arms[0].values("r2_over_real", 0)) == 2
    assert arms[0].pooled(64)["phase_energy2"].shape == (2, 2)


def test_files_are_found_by_step_whatever_the_batch_size(runs: Path) -> None:
    for config in runs.glob("*/seed1/config.yaml"):
        config.write_text(config.read_text().replace("batch_size: 8", "batch_size: 16"))
        metrics = config.with_name("metrics.jsonl")
        lines = [json.loads(line) for line in metrics.open()]
        for line in lines:
            line["images_seen"] = 16 * line["step"]
        metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    arms = sort_into_arms(find_runs(runs)[0])
    assert common_moments(arms) == [0, 32, 64]  # compared by images seen
    half = next(arm.runs[0] for arm in arms if "batch_size=16" in arm.name)
    assert half.samples(64).size == Image.open(half.folder / "samples" / "000004.png").size
    with np.load(half.folder / "checkerboard" / "000004.npz") as saved:
        assert (saved["spectrum"] == half.arrays(64)["spectrum"].numpy()).all()


def test_any_setting_can_name_an_arm(runs: Path) -> None:
    for folder in (runs / "resize_nearest").iterdir():
        config = (folder / "config.yaml").read_text()
        (folder / "config.yaml").write_text(config.replace("num_images: 32", "num_images: 64"))
    names = [arm.name for arm in sort_into_arms(find_runs(runs)[0])]
    assert names == [
        "transposed k3, data.num_images=32",
        "nearest + conv k3, data.num_images=64",
    ]


def test_runs_that_start_from_other_seeds_of_a_multirun_are_one_arm(runs: Path) -> None:
    for folder in runs.glob("*/seed*"):
        origin = f"outputs/first/x-1_{folder.name.replace('seed', 'seed-')}_y-2"
        config = (folder / "config.yaml").read_text()
        (folder / "config.yaml").write_text(
            config.replace("start_from: null", f"start_from: {origin}").replace(
                "seed: 1", "seed: 0"
            )
        )
    found, left_out = find_runs(runs)
    arms = sort_into_arms(found)
    assert not left_out
    assert [arm.name for arm in arms] == ["transposed k3", "nearest + conv k3"]
    assert [len(arm.runs) for arm in arms] == [2, 2]
    other = runs / "transposed_k3" / "seed0" / "config.yaml"
    other.write_text(other.read_text().replace("first", "second"))
    assert len(sort_into_arms(find_runs(runs)[0])) == 3


def test_a_notch_separates_arms(runs: Path) -> None:
    path = runs / "transposed_k3" / "seed1" / "config.yaml"
    path.write_text(path.read_text().replace("notch: 0", "notch: 2"))
    names = [arm.name for arm in sort_into_arms(find_runs(runs)[0])]
    assert len(names) == 3
    assert [name for name in names if "notch of order 2" in name] != []


def test_every_kind_of_broken_run_is_listed_with_a_reason(runs: Path) -> None:
    broken = runs / "resize_nearest" / "seed1"
    (broken / "result.json").unlink()
    with (broken / "train.log").open("a") as log:
        log.write("12:00:00 ERROR the loss is not finite at step 6\n")
    shutil.copytree(runs / "transposed_k3" / "seed0", runs / "twin")
    (runs / "empty").mkdir()
    (runs / "empty" / "train.log").write_text("")
    (runs / "garbled").mkdir()
    (runs / "garbled" / "config.yaml").write_text("seed: [1\n")
    unscored = Path(shutil.copytree(runs / "transposed_k3" / "seed1", runs / "unscored"))
    (unscored / "metrics.jsonl").write_text('{"step": 8, "images_seen": 64, "d_real": 0.5}\n')
    headless = Path(shutil.copytree(runs / "transposed_k3" / "seed1", runs / "headless"))
    lines = (headless / "metrics.jsonl").read_text().splitlines(keepends=True)
    (headless / "metrics.jsonl").write_text("".join(lines[1:]))
    partly = Path(shutil.copytree(runs / "transposed_k3" / "seed1", runs / "partly"))
    lines[1] = re.sub(r'"r2":[^,]*,', "", lines[1])
    (partly / "metrics.jsonl").write_text("".join(lines))
    found, left_out = find_runs(runs)
    assert len(found) == 3
    reasons = {run["folder"]: run["reason"] for run in left_out}
    assert reasons == {
        "garbled": "config.yaml: not the settings of a run: expected ',' or ']', but got"
        " '<stream end>' (line 2)",
        "empty": "never started",
        "resize_nearest/seed1": "not finished: at step 8 of 8;"
        " 12:00:00 ERROR the loss is not finite at step 6",
        "headless": "has no scores at step 0, which a comparison needs",
        "partly": "metrics.jsonl: scores at step 2 lack r2",
        "twin": "same settings and seed as transposed_k3/seed0",
        "unscored": "has no scores (trainer.checkerboard_images=0)",
    }


def test_nothing_to_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no finished run with scores in it \(no run\)"):
        find_runs(tmp_path)


def test_the_longer_of_two_equal_runs_is_kept(runs: Path) -> None:
    longer = Path(shutil.copytree(runs / "transposed_k3" / "seed0", runs / "longer"))
    line = (longer / "metrics.jsonl").read_text().splitlines()[0]
    with (longer / "metrics.jsonl").open("a") as metrics:
        metrics.write(line.replace('"images_seen":0', '"images_seen":128') + "\n")
    found, left_out = find_runs(runs)
    assert [run["folder"] for run in left_out] == ["transposed_k3/seed0"]
    assert longer in [run.folder for run in found]


def test_incomparable_runs_are_refused(runs: Path) -> None:
    config = runs / "resize_nearest" / "seed0" / "config.yaml"
    text = config.read_text()
    arrays = config.with_name("checkerboard")
    shutil.copytree(arrays, runs / "kept")
    config.write_text(text.replace("image_size: 32", "image_size: 64"))
    for path in arrays.iterdir():
        with np.load(path) as saved:
            np.savez(path, **{**saved, "spectrum": np.ones((64, 64))})
    with pytest.raises(UserError, match=r"different data.image_size \(32, 64\)"):
        find_runs(runs)
    shutil.copytree(runs / "kept", arrays, dirs_exist_ok=True)
    config.write_text(text.replace("batch_size: 8", "batch_size: 12"))
    metrics = config.with_name("metrics.jsonl")
    lines = metrics.read_text().splitlines()
    metrics.write_text("\n".join(line for line in lines if '"step":0,' in line) + "\n")
    with pytest.raises(UserError, match="not scored at the same numbers of images"):
        common_moments(sort_into_arms(find_runs(runs)[0]))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "config.yaml",
            b"",
            "not the settings of a run: is not a mapping of setting names to values",
        ),
        (
            "config.yaml",
            b"[1, 2]",
            "not the settings of a run: is not a mapping of setting names to values",
        ),
        ("result.json", b"{}", "not the result of a run: step: Field required"),
        ("result.json", b"\xff", "not the result of a run: "),
        ("metrics.jsonl", b"[]\n", "not readable in line 1 of 1: must be an object"),
        ("metrics.jsonl", b"\xff\xfe\n", "not readable in line 1 of 1: Invalid JSON"),
        ("checkerboard/000004.npz", b"PK", "not the arrays of a run's scores: "),
        ("checkerboard/000008.npz", None, "no such file"),
        ("samples/000008.png", b"PNG", "not a readable picture: "),
        ("samples/000000.png", None, "no such file"),
    ],
)
def test_a_damaged_run_is_excluded_with_a_reason(
    runs: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = runs / "transposed_k3" / "seed1" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    _, (left_out,) = find_runs(runs)
    assert left_out["folder"] == "transposed_k3/seed1"
    assert left_out["reason"].startswith(f"{name.replace('/', os.sep)}: {reason}")


def test_runs_of_an_earlier_version_join_the_same_arm(runs: Path) -> None:
    config = runs / "transposed_k3" / "seed1" / "config.yaml"
    settings = yaml.safe_load(config.read_text())
    del settings["upsample"]["balanced"], settings["start_from"]
    settings["trainer"] |= {"compile": False, "score_weights": "ema"}
    config.write_text(yaml.safe_dump(settings))
    assert len(sort_into_arms(find_runs(runs)[0])) == 2


def test_an_unknown_speed_is_left_out(runs: Path) -> None:
    for seed, speed in ((0, None), (1, 7.0)):
        path = runs / "transposed_k3" / f"seed{seed}" / "result.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"images_per_second": speed}))
    for path in (runs / "resize_nearest").glob("*/result.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"images_per_second": None}))
    arms = analyze(runs).content()["arms"]
    assert [arm["images_per_second"] for arm in arms] == [7.0, None]


def test_settings_without_effect_do_not_make_an_arm(tmp_path: Path, compose_train: Compose) -> None:
    for upsample in ("transposed_k3", "transposed_k4"):
        words = ("generator=flat", f"upsample={upsample}", "data.image_size=16")
        small = [word for word in TINY if not word.startswith("generator")]
        train(compose_train(*small, *words), tmp_path / upsample, "again")
    found, left_out = find_runs(tmp_path)
    assert len(found) == 1
    assert left_out == [
        {"folder": "transposed_k4", "reason": "same settings and seed as transposed_k3"}
    ]
