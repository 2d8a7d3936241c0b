"""The first signal is stored, a later one interrupts, and the old handlers are restored."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from dcgan.training.interruption import GRACE, SIGNALS, Interruption


@pytest.fixture(autouse=True)
def _no_signal_is_ignored() -> Iterator[None]:
    """The process that starts these tests may ignore some signals, as nohup does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGHUP)
        assert interruption.received is None


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_stored_and_a_later_one_interrupts(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = signal.getsignal(number), time.monotonic()
    with Interruption() as interruption:
        assert interruption.received is None
        os.kill(os.getpid(), number)
        assert interruption.received == number
        monkeypatch.setattr("time.monotonic", lambda: now + GRACE + 1)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_signals_at_the_same_time_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Interruption() as interruption:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert interruption.received == signal.SIGTERM
