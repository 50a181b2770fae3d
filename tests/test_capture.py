from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from jupyter_research.capture import Capture
from jupyter_research.carry import carriers
from jupyter_research.context import Binding, attempt_context


class Notes:
    def __init__(self) -> None:
        self.closed = False
        self.updates: list[tuple[Any, Any]] = []

    def status(self, message: Any, status: Any) -> None:
        self.updates.append((message, status))

    def checkpoint(self) -> None:
        pass

    def approval(self, question: str, proposal: Any) -> Any:
        return proposal


@contextmanager
def captured() -> Iterator[None]:
    capture = Capture()
    carriers.install()
    capture.install()
    try:
        yield
    finally:
        capture.remove()
        carriers.remove()


def test_printed_lines_and_logged_records_of_a_session_become_its_updates(
    capsys: pytest.CaptureFixture[str],
):
    notes = Notes()
    with captured():
        with attempt_context(Binding(session_id="abc", attempt=1, sink=notes)):
            print("one", end=" ")
            print("line")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(print, "from a pool").result()
            logging.getLogger("somebody.else").warning("careful with %s", "this")
            logging.getLogger("jupyter_research.store").warning("not in a circle")
        print("outside")
    assert [message for message, _ in notes.updates] == ["one line", "from a pool", "careful with this"]
    assert notes.updates[-1][1] == {"step": "LOG", "level": "WARNING", "logger": "somebody.else"}
    assert "one line\nfrom a pool\noutside\n" in capsys.readouterr().out


def test_everything_is_written_on_and_taken_back():
    before = sys.stdout
    capture = Capture()
    capture.install()
    assert sys.stdout is not before
    capture.remove()
    assert sys.stdout is before


class Held(Notes):
    """Hold whoever sends an update, as a paused session does."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.resumed = threading.Event(), threading.Event()

    def status(self, message: Any, status: Any) -> None:
        self.reached.set()
        assert self.resumed.wait(90)
        super().status(message, status)


def test_a_paused_session_that_logs_holds_nobody_else_who_does():
    held, log = Held(), logging.getLogger("somebody.else")

    def work() -> None:
        with attempt_context(Binding(session_id="abc", attempt=1, sink=held)):
            log.warning("a session's")

    with captured():
        session = threading.Thread(target=work)
        session.start()
        assert held.reached.wait(90)
        other = threading.Thread(target=log.warning, args=("the server's",), daemon=True)
        other.start()
        other.join(60)
        waits = other.is_alive()
        held.resumed.set()
        session.join()
    assert not waits
    assert [message for message, _ in held.updates] == ["a session's"]
