"""What Linux says of the processor; asked before torch is loaded."""

from pathlib import Path

BFLOAT16 = ("avx512_bf16", "amx_bf16")  # flags with which a CPU computes in bfloat16


def cpu_info(field: str) -> str:
    """What is said of the first processor, such as its "model name"; elsewhere nothing."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    parts = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in parts if name.strip() == field), "")


def cpu_has_bfloat16() -> bool:
    """Whether bfloat16 is faster than float32 there, not emulated."""
    return any(flag in cpu_info("flags").split() for flag in BFLOAT16)
