"""Information about the processor from the operating system, without torch."""

import subprocess
import sys
from pathlib import Path

# Any of these means native bfloat16: "flags" on x86, "Features" on Arm.
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


def cpu_info(field: str) -> str:
    """A field of Linux's /proc/cpuinfo for the first processor, such as "model name"; or ""."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    parts = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in parts if name.strip() == field), "")


def cpu_has_bfloat16() -> bool:
    """Whether the CPU supports bfloat16 natively."""
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "hw.optional.arm.FEAT_BF16"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() == "1"
    words = f"{cpu_info('flags')} {cpu_info('Features')}".split()
    return not BFLOAT16.isdisjoint(words)
