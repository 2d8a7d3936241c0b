"""Closed pipes, full disks, odd encodings: results are kept, and the exit status reports it."""

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import TINY, command_environment, command_line


def in_shell(ending: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """dcgan-diagnose on clean images, followed by this shell syntax."""
    (folder / "images").mkdir(exist_ok=True)
    for i in range(64):
        Image.effect_noise((64, 64), 50).save(folder / "images" / f"{i}.png")
    words = command_line("diagnose", "target=images", "hydra.run.dir=out", cache_dir=folder)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{' '.join(words)} {ending}"],
        cwd=folder,
        env=command_environment(**environment),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize(
    ("ending", "status"),
    [("| true", 141), (">/dev/full", 74), (">&-", 0), (">&- 2>&-", 0)],
)
def test_results_are_kept_whatever_happens_to_the_output(
    tmp_path: Path, ending: str, status: int
) -> None:
    done = in_shell(ending, tmp_path)
    assert done.returncode == status, done.stderr
    assert (tmp_path / "out" / "result.json").is_file()
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if status == 74:
        assert done.stderr.endswith("standard output: No space left on device\n")


def test_unencodable_characters_are_replaced(tmp_path: Path) -> None:
    done = in_shell("", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("out\n")


def test_help_into_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    words = command_line("sample", "--help", cache_dir=tmp_path)
    piped = ["bash", "-o", "pipefail", "-c", f"{' '.join(words)} | true"]
    done = subprocess.run(piped, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def in_bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=command_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_is_one_line_with_the_path(tmp_path: Path) -> None:
    words = command_line("train", *TINY, "hydra.run.dir=out", cache_dir=tmp_path / "cache")
    done = in_bash(f"ulimit -f 60; {' '.join(words)}", tmp_path)
    assert done.returncode == 74, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.replace("\r", "\n").splitlines()[-1]
    assert last.startswith("dcgan-train: out")
    assert last.endswith(": File too large")


def test_a_current_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    words = command_line("sample", "checkpoint=x", cache_dir=tmp_path)
    done = in_bash(f"mkdir gone; cd gone; rmdir ../gone; {' '.join(words)}", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "dcgan-sample: the current folder no longer exists; cd to another one"
    )
