"""Serve by Tornado in batches, without log, replay or authentication: the least that this could cost.

Args: port.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import defaultdict
from typing import Any

import orjson
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from peers.load import serve

viewers: defaultdict[str, set[Socket]] = defaultdict(set)


class Socket(WebSocketHandler):
    """Follow one session."""

    session_id = ""

    def on_message(self, message: str | bytes) -> None:
        """Join."""
        self.session_id = orjson.loads(message)["session_id"]
        viewers[self.session_id].add(self)
        self.write_message(b'{"type":"session_joined"}')

    def on_close(self) -> None:
        """Leave."""
        viewers[self.session_id].discard(self)


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
            for viewer in viewers[session_id]:
                try:
                    viewer.write_message(b'{"type":"events","events":[%s]}' % b",".join(texts))
                except WebSocketClosedError:
                    pass  # Left; `on_close` follows.


async def main() -> None:
    """Serve until killed."""
    Application([("/ws", Socket)]).listen(int(sys.argv[1]), "127.0.0.1")
    batches = Batches(asyncio.get_running_loop())
    threading.Thread(target=serve, args=(batches.send,), daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
