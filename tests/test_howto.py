"""Run the examples of docs/howto/your-own-researcher.md, and hold its table against tests/test_carry.py."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

PAGE = (Path(__file__).parent.parent / "docs/howto/your-own-researcher.md").read_text("utf-8")
ME = Caller(owner="local")


@pytest.fixture(scope="module")
def examples() -> Iterator[str]:
    """Put the page's Python into a module, and give its name."""
    module = types.ModuleType("howto_examples")
    sys.modules[module.__name__] = module
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    exec(compile(code, "your-own-researcher.md", "exec"), module.__dict__)
    yield module.__name__
    del sys.modules[module.__name__]


@pytest.fixture
def runtime(tmp_path: Path, examples: str) -> Iterator[Runtime]:
    names = ("count_words", "look_twice", "in_steps", "questions", "careful")
    researchers = {name: f"{examples}:{name}" for name in names}
    runtime = Runtime(Settings(data_dir=tmp_path / "data", researchers=researchers))
    runtime.open()
    yield runtime
    runtime.close()


def start(runtime: Runtime, name: str, *states: str, **fields: Any) -> dict[str, Any]:
    snapshot, _ = runtime.start(ME, {"topic": "tides", "researcher": name, **fields})
    return until(runtime, snapshot["session_id"], *states)


def until(runtime: Runtime, session_id: str, *states: str) -> dict[str, Any]:
    snapshot = runtime.get(ME, session_id)
    for _ in range(200):
        if snapshot["state"] in (*states, "completed", "failed"):
            break
        runtime.wait(ME, session_id, after=snapshot["last_seq"], timeout=1)
        snapshot = runtime.get(ME, session_id)
    assert snapshot["state"] in (states or ("completed",)), snapshot["error"]
    return snapshot


def report(runtime: Runtime, snapshot: dict[str, Any]) -> str:
    return runtime.report(ME, snapshot["session_id"]).markdown or ""


def test_the_function_of_a_cell_counts_and_tells(runtime: Runtime, tmp_path: Path):
    notes = tmp_path / "notes.txt"
    notes.write_text("high tide and low tide")
    done = start(runtime, "count_words", options={"files": [str(notes)]})
    assert "1 files hold 5 words" in report(runtime, done)
    assert (done["step"], done["done"], done["total"]) == ("READ", 1, 1)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [("look_twice", "seen twice", "Look 2"), ("in_steps", "collected and compared", "Compare")],
)
def test_async_functions_and_generators_are_researchers(runtime: Runtime, name: str, text: str, message: str):
    done = start(runtime, name)
    assert text in report(runtime, done)
    assert done["message"] == message


def test_the_graph_asks_for_approval_and_writes_what_was_approved(runtime: Runtime):
    waiting = start(runtime, "questions", "awaiting_approval")
    assert waiting["proposal"] == ["What is tides?", "Who needs tides?"]
    edited = {"version": waiting["version"], "proposal": ["When is high tide?"]}
    runtime.approve(ME, waiting["session_id"], edited)
    done = until(runtime, waiting["session_id"])
    assert "When is high tide?" in report(runtime, done) and "Who" not in report(runtime, done)
    assert done["message"] == "Write: done"


def test_a_function_that_asks_goes_on_with_what_was_approved(runtime: Runtime):
    waiting = start(runtime, "careful", "awaiting_approval")
    runtime.approve(ME, waiting["session_id"], {"version": 1, "proposal": {"sections": ["How"]}})
    assert "## How" in report(runtime, until(runtime, waiting["session_id"]))
    assert "## Why" in report(runtime, start(runtime, "careful", approve="auto"))


WAYS = (
    "Thread", "Timer", "submit", "map", "add_done_callback", "run_in_executor", "to_thread", "tasks",
    "ThreadPool", "joblib", "invoke", "stream", "ainvoke",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_the_table_names_what_test_carry_tests(way: str):
    tested = (Path(__file__).parent / "test_carry.py").read_text("utf-8")
    assert way in PAGE and way in tested
