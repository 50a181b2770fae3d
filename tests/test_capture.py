from __future__ import annotations

import logging
import sys
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
