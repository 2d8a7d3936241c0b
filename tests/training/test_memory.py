"""What malloc is told, and what it then does."""

import ctypes
import platform
import subprocess
import sys

import pytest

from dcgan.training import memory
from dcgan.training.memory import KEEP, USUAL, keeping_freed_memory

SCRIPT = """
import resource, torch
from contextlib import nullcontext
from dcgan.training.memory import keeping_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.zeros(48 * 2**20, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with keeping_freed_memory() if {keeping} else nullcontext():
    faults()
    print(faults())
"""


def faults(keeping: bool) -> int:
    script = SCRIPT.format(keeping=keeping)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc")
def test_kept_memory_costs_no_page_faults() -> None:
    assert faults(keeping=False) > 1000
    assert faults(keeping=True) < 100


def test_it_is_undone_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[int, int]] = []
    monkeypatch.setattr(memory, "_mallopt", told.append)
    with pytest.raises(ZeroDivisionError), keeping_freed_memory():
        raise ZeroDivisionError
    assert told == [KEEP, USUAL]


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    with keeping_freed_memory():
        pass
