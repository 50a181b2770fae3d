"""Serve by Flask-SocketIO in threading mode, a room for each session: the design that is replaced.

Args: port.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

from flask import Flask
from flask_socketio import SocketIO, emit, join_room

from peers.load import serve

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")


@socketio.on("join_session")  # type: ignore[untyped-decorator]
def join(wish: dict[str, Any]) -> None:
    """Let a page follow a session."""
    join_room(wish["session_id"])
    emit("session_joined", {"session_id": wish["session_id"]})


def send(session_id: str, event: dict[str, Any]) -> None:
    """Emit an event to the room of its session."""
    socketio.emit("status_update", event, to=session_id)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=serve, args=(send,), daemon=True).start()
    socketio.run(app, host="127.0.0.1", port=int(sys.argv[1]), allow_unsafe_werkzeug=True)
