"""What Linux says of the processor, and how threads wait on it; before torch is loaded."""

import os
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


def set_waiting(precision: str) -> None:
    """Tell OpenMP, which reads it when torch is loaded, how threads wait for their siblings.

    By default they spin for milliseconds. As soon as something else runs on the machine, they spin
    away the time that the ones they wait for would need, and a step in float32 takes many times as
    long; a short spin mends that, and costs an idle machine 15 %. bfloat16 gains nothing by it
    (dcgan-benchmark, "threads that wait"). What the user has set stays.

    Args:
        precision: the run's, as in `TrainerConfig`.
    """
    in_bfloat16 = precision == "bf16-mixed" or (precision == "auto" and cpu_has_bfloat16())
    if "OMP_WAIT_POLICY" not in os.environ and not in_bfloat16:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
