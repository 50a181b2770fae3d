"""What goes to the log: which session, in which state, and never what it is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_research.logs import JsonLines
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.testing import RESEARCHERS
from jupyter_research.work import Caller

ME = Caller(owner="somebody")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(Settings(data_dir=tmp_path, researchers=RESEARCHERS))
    runtime.open()
    yield runtime
    runtime.close()


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    """Log as the administrator's page says, into a file."""
    handler = logging.FileHandler(tmp_path / "lines.log")
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("jupyter_research")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield tmp_path / "lines.log"
    logger.removeHandler(handler)
    logger.setLevel(level)
    handler.close()


def test_every_state_of_a_session_is_a_line_that_names_no_topic(runtime: Runtime, lines: Path) -> None:
    for researcher in ("steps", "fails"):
        snapshot, _ = runtime.start(ME, {"topic": "heliotropes", "researcher": researcher})
        while snapshot["state"] not in ("completed", "failed"):
            runtime.wait(ME, snapshot["session_id"], after=snapshot["last_seq"], timeout=5)
            snapshot = runtime.get(ME, snapshot["session_id"])
    text = lines.read_text()
    read = [json.loads(line) for line in text.splitlines()]
    states = [line["state"] for line in read if line.get("session_id") == snapshot["session_id"]]
    assert states == ["queued", "researching", "failed"]
    assert read[-1]["code"] == "researcher_failed"
    assert {line["level"] for line in read} == {"info"}
    assert "heliotropes" not in text and "somebody" not in text


def test_line_is_one_object_whatever_the_message_holds() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = logging.LogRecord("jupyter_research.x", logging.ERROR, "x.py", 1, "a\n%s", ("é",), None)
        record.exc_info = (type(error), error, error.__traceback__)
    line = JsonLines().format(record)
    assert "\n" not in line
    read = json.loads(line)
    assert (read["level"], read["logger"], read["message"]) == ("error", "jupyter_research.x", "a\né")
    assert read["exception"].endswith("ValueError: two\nlines")
    assert read["time"].endswith("Z")
