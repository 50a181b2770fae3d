"""Leave a cancelled session of two analysts behind, one of whom had come to an end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from live import until

from jupyter_research.client import LocalClient
from jupyter_research.models import Extractive

LIBRARY = """# Tides

The tide rises because the moon pulls on the water. Tides were measured 12 times in 1842, as a study shows.

# Harbours

A harbour silts up where the current is slow, however the tide runs. Dredging costs money every year.
"""

TOPIC = "how do the tides work?"


@contextmanager
def first_held() -> Iterator[list[str]]:
    """Hold the first analyst who answers, and let the others do their work; give who came, in order."""
    answer, gate, came, lock = Extractive.answer, threading.Event(), list[str](), threading.Lock()

    def wait(self: Any, brief: Any, analyst: Any, *rest: Any) -> Any:
        with lock:
            came.append(analyst["id"])
            mine = came[0] == analyst["id"]
        if mine:
            gate.wait(120)
        return answer(self, brief, analyst, *rest)

    with patch.object(Extractive, "answer", wait):
        try:
            yield came
        finally:
            gate.set()


def one_is_done(snapshot: dict[str, Any]) -> bool:
    """Tell whether an analyst has come to an end."""
    assert snapshot["state"] != "failed", snapshot["error"]
    return any(analyst["state"] == "done" for analyst in snapshot["analysts"])


def leave(folder: Path, library: Path) -> str:
    """Leave such a session in a data folder that nobody has open; give its id."""
    library.write_text(LIBRARY)
    client = LocalClient.over(folder)
    try:
        with first_held():
            options = {"analysts": 2, "turns": 1, "sources": [str(library)]}
            started = client.start({"topic": TOPIC, "options": options, "approve": "auto"})
            session_id = str(started["session_id"])
            until(lambda: one_is_done(client.get(session_id)), "the first interview")
            client.cancel(session_id)
    finally:
        client.close()
    return session_id
