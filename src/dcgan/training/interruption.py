"""Ctrl-C and SIGTERM as a request that a loop answers between two steps."""

import signal
import threading
import time
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 1.0  # seconds: a terminal and a parent process may both pass on one Ctrl-C


class Interruption:
    """While entered, the first signal is kept in `received`.

    A second one after `GRACE` raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._received_at = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere signals go their usual way.
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
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
