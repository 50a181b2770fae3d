"""Make the updates: the same, at the same pace, from the same kind of threads, for every server."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Send = Callable[[str, dict[str, Any]], None]


def update(number: int, total: int) -> tuple[str, dict[str, Any]]:
    """Give message and status of one update, as a session that reads a library would send it."""
    message = f"Searching the library for question {number} of {total}: what do the sources say of its cost?"
    status = {
        "step": "SEARCH_LIBRARY",
        "step_number": number,
        "done": number,
        "total": total,
        "analyst": "a2",
        "analyst_done": number,
        "analyst_total": total,
        "sent": time.time(),
    }
    return message, status


def send_all(
    send: Callable[[str, dict[str, Any]], None], updates: int, interval: float, offset: float
) -> None:
    """Send a session's updates, as fast as it goes or one each `interval` seconds."""
    begin = time.monotonic() + offset * interval
    for number in range(1, updates + 1):
        if interval:
            time.sleep(max(0.0, begin + number * interval - time.monotonic()))
        send(*update(number, updates))


class Events:
    """Number a session's updates and give them the shape that jupyter_research logs; for the peers."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.seq = 0

    def make(self, message: str, status: dict[str, Any]) -> dict[str, Any]:
        """Give the event of an update; one thread a session calls this."""
        self.seq += 1
        detail = {name: status[name] for name in ("analyst", "analyst_done", "analyst_total", "sent")}
        return {
            "session_id": self.session_id,
            "seq": self.seq,
            "time": datetime.now(UTC).isoformat(),
            "kind": "status_update",
            "step": status["step"],
            "step_number": status["step_number"],
            "message": message,
            "done": status["done"],
            "total": status["total"],
            "detail": detail,
        }


def serve(emit: Callable[[str, dict[str, Any]], None]) -> None:
    """Obey the lines on standard input: `go NAME SESSIONS UPDATES INTERVAL`.

    Args:
        emit: brings one event to the viewers of a session; called in that session's thread.
    """
    for line in sys.stdin:
        _, name, sessions, updates, interval = line.split()
        go = threading.Event()
        for index in range(int(sessions)):
            share = index / int(sessions)
            threading.Thread(
                target=_session,
                args=(f"{name}-{index}", go, emit, int(updates), float(interval), share),
                daemon=True,
            ).start()
        go.set()


def _session(
    session_id: str,
    go: threading.Event,
    emit: Callable[[str, dict[str, Any]], None],
    updates: int,
    interval: float,
    share: float,
) -> None:
    events = Events(session_id)
    go.wait()
    send_all(lambda *what: emit(session_id, events.make(*what)), updates, interval, share)
