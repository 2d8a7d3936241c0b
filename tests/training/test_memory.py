"""What malloc is told, and what it then does."""

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dcgan.training.memory import MMAP_THRESHOLD, TRIM_THRESHOLD, VARIABLES, keeping_freed_memory

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


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What an older glibc is told: it refuses thresholds above 32 MiB."""
    calls: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> bool:
        calls.append((parameter, value))
        return not (parameter == MMAP_THRESHOLD and value > 2**25)

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=mallopt))
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.34"))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return calls


def test_it_is_undone_also_after_an_error(told: list[tuple[int, int]]) -> None:
    with pytest.raises(ZeroDivisionError), keeping_freed_memory():
        raise ZeroDivisionError
    assert told == [
        (MMAP_THRESHOLD, 2**30),
        (MMAP_THRESHOLD, 2**25),
        (TRIM_THRESHOLD, -1),
        (MMAP_THRESHOLD, 2**25),
        (TRIM_THRESHOLD, 2**26),
    ]


def test_what_the_user_set_stays(
    told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    with keeping_freed_memory():
        assert not told


def test_elsewhere_nothing_happens(
    told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with keeping_freed_memory():
        assert not told
