"""Keep who follows which session by Tornado's WebSockets: what two of the peers share."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import orjson
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from peers.load import serve

_viewers: defaultdict[str, set[Socket]] = defaultdict(set)

#: Takes an event of a session, in any thread.
Send = Callable[[str, dict[str, Any]], None]


class Socket(WebSocketHandler):
    """Follow one session."""

    session_id = ""

    def on_message(self, message: str | bytes) -> None:
        """Join."""
        self.session_id = orjson.loads(message)["session_id"]
        _viewers[self.session_id].add(self)
        self.write_message(b'{"type":"session_joined"}')

    def on_close(self) -> None:
        """Leave."""
        _viewers[self.session_id].discard(self)


def deliver(session_id: str, frame: bytes) -> None:
    """Write one frame to the viewers of a session, in the loop's thread."""
    for viewer in _viewers[session_id]:
        try:
            viewer.write_message(frame)
        except WebSocketClosedError:
            pass  # Left; `on_close` follows.


async def serve_by(sending: Callable[[asyncio.AbstractEventLoop], Send]) -> None:
    """Serve until killed, on the port that the first argument names."""
    Application([("/ws", Socket)]).listen(int(sys.argv[1]), "127.0.0.1")
    send = sending(asyncio.get_running_loop())
    threading.Thread(target=serve, args=(send,), daemon=True).start()
    await asyncio.Event().wait()
