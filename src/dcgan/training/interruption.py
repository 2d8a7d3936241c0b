"""Ctrl-C, SIGTERM and SIGHUP as a request that a loop answers between two steps."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
GRACE = 1.0  # seconds: a terminal and a parent process may both pass on one Ctrl-C


def handle_signals(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> dict[int, Any]:
    """Call `handler` for each of `SIGNALS`; one that is ignored, as by nohup, stays so.

    Only the main thread may set handlers; elsewhere signals go their usual way.

    Returns:
        The handlers until now, by signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


class Interruption:
    """While entered, the first signal is kept in `received`.

    A second one after `GRACE` raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._received_at = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._previous = handle_signals(self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self._received_at = number, now
        elif now - self._received_at > GRACE:
            raise KeyboardInterrupt
