"""Serve by Tornado with one crossing to the loop and one frame for each update: the obvious way.

Args: port.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from peers.viewers import Send, deliver, serve_by


def sending(loop: asyncio.AbstractEventLoop) -> Send:
    """Give what sends each event by itself."""

    def send(session_id: str, event: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(deliver, session_id, orjson.dumps(event))

    return send


if __name__ == "__main__":
    asyncio.run(serve_by(sending))
