"""Turn Ctrl-C, SIGTERM and SIGHUP into a request that a loop handles between two steps."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
GRACE = 1.0  # seconds; a terminal and a parent process may both forward the same Ctrl-C


def handle_signals(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> dict[int, Any]:
    """Install `handler` for each of `SIGNALS`, except ignored ones, as under nohup.

    Only the main thread can set handlers; in any other thread this is a no-op.

    Returns:
        The previous handlers, by signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


class Interruption:
    """A context manager that stores the first signal in `received`.

    A second signal after `GRACE` raises KeyboardInterrupt.
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
