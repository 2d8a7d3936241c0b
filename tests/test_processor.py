"""Detecting bfloat16 support, from made-up descriptions of several processors."""

import subprocess
from pathlib import Path

import pytest

from dcgan import processor
from dcgan.processor import cpu_has_bfloat16, cpu_info

X86 = "processor\t: 0\nmodel name\t: A: B\nflags\t\t: fpu {} sse\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd {} i8mm\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("text", "has"),
    [
        (X86.format("avx512_bf16"), True),
        (X86.format("amx_bf16"), True),
        (X86.format("avx512f"), False),
        (ARM.format("bf16"), True),
        (ARM.format("svebf16"), False),  # SVE only
        (None, False),
    ],
)
def test_on_linux_bfloat16_is_a_flag_in_cpuinfo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, has: bool
) -> None:
    info = tmp_path / "cpuinfo"
    if text is not None:
        info.write_text(text, encoding="utf-8")
    monkeypatch.setattr(processor, "Path", lambda _: info)
    monkeypatch.setattr("sys.platform", "linux")
    assert cpu_has_bfloat16() is has
    assert cpu_info("model name") == ("A: B" if text and "A: B" in text else "")


@pytest.mark.parametrize(("answer", "has"), [("1\n", True), ("0\n", False), ("", False)])
def test_on_a_mac_sysctl_reports_bfloat16(
    monkeypatch: pytest.MonkeyPatch, answer: str, has: bool
) -> None:
    def sysctl(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command == ["sysctl", "-n", "hw.optional.arm.FEAT_BF16"]
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("subprocess.run", sysctl)
    assert cpu_has_bfloat16() is has
