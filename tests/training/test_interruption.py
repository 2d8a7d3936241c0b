"""The first signal is kept, a later one stops, and the old handlers come back."""

import os
import signal
import time

import pytest

from dcgan.training.interruption import GRACE, SIGNALS, Interruption


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_kept_until_it_is_asked_for(
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


def test_what_comes_twice_at_once_is_one_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Interruption() as interruption:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert interruption.received == signal.SIGTERM
