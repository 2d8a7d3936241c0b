"""The calls to mallopt, and their effect on page faults."""

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dcgan.training.memory import MMAP_THRESHOLD, TRIM_THRESHOLD, VARIABLES, keep_freed_memory

SCRIPT = """
import resource, torch
from dcgan.training.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.zeros(48 * 2**20, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
before = faults()
keep_freed_memory()
faults()
print(before, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_kept_memory_costs_no_page_faults() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert before > 1000
    assert after < 100


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The calls to the mallopt of an older glibc, which refuses thresholds above 32 MiB."""
    calls: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> bool:
        calls.append((parameter, value))
        return not (parameter == MMAP_THRESHOLD and value > 2**25)

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=mallopt))
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.34"))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return calls


def test_an_older_glibc_gets_the_highest_threshold_it_accepts(told: list[tuple[int, int]]) -> None:
    keep_freed_memory()
    assert told == [(MMAP_THRESHOLD, 2**30), (MMAP_THRESHOLD, 2**25), (TRIM_THRESHOLD, -1)]


@pytest.mark.parametrize("libc", ["glibc", ""])
def test_the_users_own_settings_and_other_libcs_are_left_alone(
    told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, libc: str
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    if libc:
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    keep_freed_memory()
    assert not told
