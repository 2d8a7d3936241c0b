"""scripts/gpu_check.py, on the CPU: the same code with tiny settings."""

import math
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from scripts import gpu_check
from scripts.gpu_check import COLUMNS, fid_table, speed, speed_table

from dcgan.errors import RunFailed
from tests.conftest import command_environment, finish_forked

SCRIPT = Path(gpu_check.__file__)
SMALL = ("experiment=smoke", "data=digits", "data.num_images=32", "data.image_size=16")


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = finish_forked("", [str(SCRIPT)], tmp_path)
    assert done.returncode == 2
    assert done.stderr == "gpu_check: no GPU is available\n"
    assert done.stdout == ""


@pytest.mark.slow
def test_a_refused_setting_is_one_line(tmp_path: Path) -> None:
    words = ["--accelerator", "cpu", "data.root=missing"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "dcgan-train: data.root=missing: " in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_table_shows_what_failed_and_what_had_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def speed(column: str, size: int, *_: object) -> float:
        if column == "TF32":
            raise RunFailed("dcgan-train: no such luck")
        if (column, size) == ("bfloat16", 8):
            monkeypatch.setattr(time, "monotonic", lambda: 2.0)
        return 1234.4 * size

    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(gpu_check, "speed", speed)
    lines = speed_table([], (16, 8), 3, tmp_path, 1.0).splitlines()
    assert lines[0] == f"| batch size | {' | '.join(COLUMNS)} |"
    assert lines[1].count("---") == 1 + len(COLUMNS)
    assert lines[2] == "| 8 | 9,875 | failed | 9,875 | – | – | – | – |"
    assert lines[3] == "| 16 | 19,750 | failed | 19,750 | – | – | – | – |"
    assert "no such luck" in capsys.readouterr().err


def test_only_float32_forbids_tf32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def run(command: list[str], environment: Mapping[str, str]) -> float:
        column = Path(command[-1].split("'")[1]).name
        seen[column] = environment.get("NVIDIA_TF32_OVERRIDE"), "32-true" in command[-2]
        return 0.0

    monkeypatch.setattr(gpu_check, "run", run)
    monkeypatch.setattr(gpu_check, "read_metrics", lambda _: [{"images_per_second": 5}])
    for column in COLUMNS:
        if column != "baseline":
            assert speed(column, 8, [], 3, tmp_path) == 5
    assert seen == {
        f"8, {precision}{compiled}": ("0" if precision == "float32" else None, is_32)
        for precision, is_32 in (("float32", True), ("TF32", True), ("bfloat16", False))
        for compiled in ("", ", compiled")
    }


@pytest.mark.slow
def test_both_tables_come_from_real_runs(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (command_environment() | {"TORCHDYNAMO_DISABLE": "1"}).items():
        monkeypatch.setenv(name, value)
    small = [*SMALL, f"data.cache_dir={cache_dir}"]
    head, _, *rows = fid_table(small, 3, tmp_path / "fid").splitlines()
    assert "| trainer.precision | seeds | images seen | last FID |" in head
    assert sorted(row.split(" | ")[0] for row in rows) == ["| 32-true", "| bf16-mixed"]
    assert all(row.split(" | ")[1] == "3" for row in rows)
    *_, row = speed_table(small, [8], 3, tmp_path / "speed", math.inf).splitlines()
    size, *cells = row.strip("| ").split(" | ")
    assert size == "8"
    assert len(cells) == len(COLUMNS)
    assert all(re.fullmatch(r"-?[\d,]+", cell) for cell in cells)  # a difference may be negative
