"""Run the examples of docs/howto/your-own-researcher.md, and hold its table against tests/test_carry.py."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from test_carry import CARRIED, NOT_CARRIED

from jupyter_research import request_approval, send_status_update
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

PAGE = (Path(__file__).parent.parent / "docs/howto/your-own-researcher.md").read_text("utf-8")
ME = Caller(owner="local")

RESEARCHERS = (
    "count_words", "look_twice", "in_steps", "in_one_section", "ask_five", "in_processes", "with_a_queue",
    "questions", "careful",
)  # fmt: skip


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put the page's Python into a module that other processes can import as well, and give its name."""
    folder = tmp_path_factory.mktemp("examples")
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    (folder / "howto_examples.py").write_text(code, "utf-8")
    sys.path.insert(0, str(folder))
    yield "howto_examples"
    sys.path.remove(str(folder))
    sys.modules.pop("howto_examples", None)


@pytest.fixture
def runtime(tmp_path: Path, examples: str) -> Iterator[Runtime]:
    researchers = {name: f"{examples}:{name}" for name in RESEARCHERS}
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


def test_a_function_proposes_a_team_and_moves_its_lanes(runtime: Runtime):
    def in_two_places(topic: str) -> str:
        team = request_approval("Here?", {"analysts": [{"id": "north", "name": "The north"}]})
        for analyst in team["analysts"]:
            lane = {"analyst": analyst["id"], "analyst_done": 4, "analyst_total": 4}
            send_status_update("Looked.", {**lane, "state": "lost", "detail": {"found": 1}})
        return topic

    name = runtime.register_function("in_two_places", in_two_places)
    done = start(runtime, name, approve="auto")
    assert [(one["name"], one["done"], one["state"]) for one in done["analysts"]] == [
        ("The north", 4, "done")
    ]
    events = map(orjson.loads, runtime.events(ME, done["session_id"])[0])
    [said] = [event["detail"] for event in events if event["kind"] == "status_update"]
    assert said == {"analyst": "north", "analyst_done": 4, "analyst_total": 4, "found": 1}


def test_a_report_of_claims_is_taken_as_it_is(runtime: Runtime):
    done = start(runtime, "in_one_section")
    assert done["limitations"] == ["Nobody was asked."]
    made = runtime.report(ME, done["session_id"])
    assert (made.title, made.sections[0].claims[0].text) == ("Tides", "Little is known about tides.")


def test_the_module_with_a_callback_serves_three_sessions_at_once(runtime: Runtime):
    topics = ("tides", "moons", "winds")
    started = [runtime.start(ME, {"topic": topic, "researcher": "ask_five"})[0] for topic in topics]
    for topic, snapshot in zip(topics, started, strict=True):
        done = until(runtime, snapshot["session_id"])
        assert updates(runtime, done) == sorted(f"Asking question {n} about {topic}" for n in range(1, 6))
        assert "5. Nobody knows." in report(runtime, done)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "told"),
    [("in_processes", ["Counted a file"] * 2), ("with_a_queue", ["Reading {0}", "Reading {1}"])],
)
def test_files_are_counted_in_other_processes(runtime: Runtime, tmp_path: Path, name: str, told: list[str]):
    files = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    for number, file in enumerate(files):
        Path(file).write_text("word " * (number + 2))
    done = start(runtime, name, options={"files": files})
    assert "2 files hold 5 words" in report(runtime, done)
    assert updates(runtime, done) == [line.format(*files) for line in told]


def updates(runtime: Runtime, snapshot: dict[str, Any]) -> list[str]:
    events, _ = runtime.events(ME, snapshot["session_id"])
    told = [event for event in map(orjson.loads, events) if event["kind"] == "status_update"]
    return sorted(event["message"] for event in told)


def test_each_row_of_the_table_is_tested_as_it_says():
    rows = re.findall(r"^\| (.+) \| (yes|no)[ :].*\|$", PAGE, re.MULTILINE)
    assert dict(rows) == {**dict.fromkeys(CARRIED, "yes"), **dict.fromkeys(NOT_CARRIED, "no")}


def test_every_function_of_the_page_that_takes_a_topic_is_run_here(examples: str):
    module = importlib.import_module(examples)
    defined = {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == examples
        and "topic" in getattr(getattr(value, "__code__", None), "co_varnames", ())[:1]
    }
    assert defined <= set(RESEARCHERS)
