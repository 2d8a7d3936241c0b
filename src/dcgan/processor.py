"""What the operating system says of the processor; torch is not needed."""

import subprocess
import sys
from pathlib import Path

# With one of these a CPU computes in bfloat16: "flags" of x86, "Features" of Arm.
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


def cpu_info(field: str) -> str:
    """What Linux says of the first processor, such as its "model name"; elsewhere nothing."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    parts = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in parts if name.strip() == field), "")


def cpu_has_bfloat16() -> bool:
    """Whether bfloat16 is computed there, not emulated."""
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "hw.optional.arm.FEAT_BF16"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() == "1"
    words = f"{cpu_info('flags')} {cpu_info('Features')}".split()
    return not BFLOAT16.isdisjoint(words)
