"""Ctrl-C and SIGTERM as a request that a loop answers between two steps."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SECONDS_OF_ONE = 1.0  # a terminal tells every process, and one may pass on what all have got


class Interruption:
    """While entered, the first signal is kept in `received`; one more than a second later stops.

    Inside another one it is that other: what came before this block was entered counts too.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._received_at = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        outer = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
        if isinstance(outer, Interruption):
            return outer
        # Only the main thread may set handlers; elsewhere signals go their usual way.
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self._received_at = number, now
        elif now - self._received_at > SECONDS_OF_ONE:
            raise KeyboardInterrupt
