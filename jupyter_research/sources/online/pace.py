"""Ask each host no faster than it likes, over all sessions of the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: Seconds between two looks whether somebody who waits was asked to stop.
_LOOK: Final = 0.25


class Pace:
    """Let one request at a time through to each host, with the interval that the host asks for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[str, threading.Lock] = {}
        self._next: dict[str, float] = {}

    @contextmanager
    def turn(self, host: str, interval: float, stopped: threading.Event) -> Iterator[None]:
        """Wait for the host's turn and keep it for the time of the block; at once when `stopped`."""
        with self._lock:
            lock = self._hosts.setdefault(host, threading.Lock())
        while not lock.acquire(timeout=_LOOK):
            if stopped.is_set():
                break
        else:
            try:
                stopped.wait(max(0.0, self.due(host) - self._clock()))
                yield
            finally:
                self.postpone(host, interval)
                lock.release()
            return
        yield

    def due(self, host: str) -> float:
        """Say when the host may be asked again, by the monotonic clock."""
        with self._lock:
            return self._next.get(host, 0.0)

    def postpone(self, host: str, seconds: float) -> None:
        """Leave a host alone for some time, as it asked."""
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), self._clock() + seconds)
