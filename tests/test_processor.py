"""What is read of the processor, and what follows from it for OpenMP."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dcgan import processor
from dcgan.processor import cpu_has_bfloat16, cpu_info, set_waiting

INFO = "processor\t: 0\nmodel name\t: A: B\nflags\t\t: fpu {flag} sse\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("flag", "has"), [("avx512_bf16", True), ("amx_bf16", True), ("avx512f", False)]
)
def test_bfloat16_is_a_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, has: bool
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(INFO.format(flag=flag), encoding="utf-8")
    monkeypatch.setattr(processor, "Path", lambda _: info)
    assert cpu_info("model name") == "A: B"
    assert cpu_has_bfloat16() is has


def test_elsewhere_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "Path", lambda _: tmp_path / "none")
    assert cpu_info("flags") == ""
    assert not cpu_has_bfloat16()


@pytest.mark.parametrize(
    ("precision", "has", "variables", "expected"),
    [
        ("32-true", True, {}, "1000"),
        ("auto", False, {}, "1000"),
        ("auto", True, {}, None),
        ("bf16-mixed", False, {}, None),
        ("32-true", True, {"GOMP_SPINCOUNT": "7"}, "7"),
        ("32-true", True, {"OMP_WAIT_POLICY": "ACTIVE"}, None),
    ],
)
def test_threads_spin_briefly_in_float32_unless_the_user_said_otherwise(
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    has: bool,
    variables: dict[str, str],
    expected: str | None,
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        # Set first, so that what the function sets is undone, too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(processor, "cpu_has_bfloat16", lambda: has)
    set_waiting(precision)
    assert os.environ.get("GOMP_SPINCOUNT") == expected


def test_a_command_says_so_before_torch_is_loaded(tmp_path: Path) -> None:
    script = """
import sys
from dcgan.commands import app

def look(precision):
    print(precision, "torch" in sys.modules)
    sys.exit(7)

app.set_waiting = look
from dcgan.commands.train import main
sys.argv = ["dcgan-train", "experiment=smoke", "trainer.precision=bf16-mixed"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7
    assert done.stdout == "bf16-mixed False\n"
