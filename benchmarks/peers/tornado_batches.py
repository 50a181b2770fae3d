"""Serve by Tornado in batches, without log, replay or authentication: the least that this could cost.

Args: port.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from typing import Any

import orjson

from peers.viewers import Send, deliver, serve_by


class Batches:
    """Gather what the threads say until the loop comes round."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._gathered: defaultdict[str, list[bytes]] = defaultdict(list)
        self._scheduled = False

    def send(self, session_id: str, event: dict[str, Any]) -> None:
        """Take an event, in any thread."""
        text = orjson.dumps(event)
        with self._lock:
            self._gathered[session_id].append(text)
            if self._scheduled:
                return
            self._scheduled = True
        self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, defaultdict(list)
            self._scheduled = False
        for session_id, texts in gathered.items():
            deliver(session_id, b'{"type":"events","events":[%s]}' % b",".join(texts))


def sending(loop: asyncio.AbstractEventLoop) -> Send:
    """Give what sends events in batches."""
    return Batches(loop).send


if __name__ == "__main__":
    asyncio.run(serve_by(sending))
