"""What is read of the processor, and what follows from it for OpenMP."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dcgan import processor
from dcgan.processor import cpu_has_bfloat16, cpu_info

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


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("policy", [None, "ACTIVE"])
def test_threads_are_told_how_to_wait_before_torch_is_loaded(has: bool, policy: str | None) -> None:
    script = f"""
import os, sys
from dcgan import processor
processor.cpu_has_bfloat16 = lambda: {has}
import dcgan.commands
print(os.environ.get("GOMP_SPINCOUNT"), "torch" in sys.modules)
"""
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    if policy is not None:
        environment["OMP_WAIT_POLICY"] = policy
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    expected = "None" if has or policy else "1000"
    assert done.stdout == f"{expected} False\n"
