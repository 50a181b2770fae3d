"""Serve by Tornado with one crossing to the loop and one frame for each update: the obvious way.

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


def deliver(session_id: str, text: bytes) -> None:
    """Write one frame to the viewers of a session."""
    for viewer in viewers[session_id]:
        try:
            viewer.write_message(text)
        except WebSocketClosedError:
            pass  # Left; `on_close` follows.


async def main() -> None:
    """Serve until killed."""
    Application([("/ws", Socket)]).listen(int(sys.argv[1]), "127.0.0.1")
    loop = asyncio.get_running_loop()

    def send(session_id: str, event: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(deliver, session_id, orjson.dumps(event))

    threading.Thread(target=serve, args=(send,), daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
