"""Stop sessions in every state that there is, and at every branch at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_manager import ALICE, Desk
from test_neighbours import ME, until

from jupyter_research.context import request_approval
from jupyter_research.errors import WrongState
from jupyter_research.events import Kind, State
from jupyter_research.manager.transitions import because
from jupyter_research.models import Extractive
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Work

LIBRARY = """# Tides

The tide rises because the moon pulls on the water. A tide is the rise and fall of the sea.

# Harbours

A harbour silts up where the tide is slow, however the moon stands. Dredging costs 12 million a year.
"""


def queued(desk: Desk) -> str:
    desk.until(desk.start(), "researching")
    return desk.start()


def planning(desk: Desk) -> str:
    run = desk.planner.run

    def wait_first(work: Work) -> Any:
        desk.planner.go.wait(90)
        return run(work)

    desk.planner.run = wait_first  # type: ignore[method-assign]
    return desk.start(approve="ask")


def awaiting_approval(desk: Desk) -> str:
    return desk.start(approve="ask")


def asks(desk: Desk) -> str:
    desk.add("asks", lambda topic: str(request_approval("So?", 1)))
    return desk.start(researcher="asks")


def researching(desk: Desk) -> str:
    return desk.start()


def paused(desk: Desk) -> str:
    session_id = desk.start()
    desk.until(session_id, "researching")
    desk.manager.pause(ALICE, session_id)
    return session_id


def interrupted(desk: Desk) -> str:
    session_id = desk.start()
    desk.until(session_id, "researching")
    job = desk.manager._jobs[session_id]
    with desk.manager._lock:  # As a server does that stops.
        detail = because("the server stopped", job)
        desk.manager._transitions.close_attempt(job, Kind.RESEARCH_INTERRUPTED, State.INTERRUPTED, detail)
    return session_id


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, max_working_sessions=1)
    yield desk
    desk.close()


@pytest.mark.parametrize(
    ("bring", "state"),
    [
        (queued, "queued"),
        (planning, "planning"),
        (awaiting_approval, "awaiting_approval"),
        (asks, "awaiting_approval"),
        (researching, "researching"),
        (paused, "paused"),
        (interrupted, "interrupted"),
    ],
)
def test_every_unfinished_state_can_be_cancelled_and_nothing_follows(
    desk: Desk, bring: Callable[[Desk], str], state: str
) -> None:
    session_id = bring(desk)
    desk.until(session_id, state)
    assert desk.manager.cancel(ALICE, session_id)["state"] == "cancelled"
    last = desk.events(session_id)[-1]
    assert (last["kind"], last["detail"]["report_available"]) == ("research_cancelled", False)
    assert desk.manager.cancel(ALICE, session_id)["last_seq"] == last["seq"]  # Twice is once.
    for command in (desk.manager.pause, desk.manager.resume):
        with pytest.raises(WrongState, match="cancelled"):
            command(ALICE, session_id)
    desk.planner.go.set()
    # Its slot, if it had one, is the next one's.
    desk.until(desk.start(approve="auto"), "completed")
    assert desk.events(session_id)[-1] == last


def test_pause_stops_every_branch_after_its_step_and_frees_the_slot_at_once_and_the_thread_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tides.md").write_text(LIBRARY)
    answer, go, made = Extractive.answer, threading.Event(), Counter[str]()

    def held(self: Any, brief: Any, analyst: Any, *rest: Any) -> Any:
        made[analyst["id"]] += 1
        go.wait(120)
        return answer(self, brief, analyst, *rest)

    monkeypatch.setattr(Extractive, "answer", held)
    runtime = Runtime(Settings(data_dir=tmp_path / "data", root=tmp_path, max_working_sessions=1))
    runtime.open()
    try:
        options = {"analysts": 3, "turns": 2, "sources": ["tides.md"]}
        body = {"topic": "how does the tide work?", "options": options, "approve": "auto"}
        session_id = runtime.start(ME, body)[0]["session_id"]
        until(lambda: runtime.get(ME, session_id)["analysts"])
        team = [analyst["id"] for analyst in runtime.get(ME, session_id)["analysts"]]
        assert len(team) > 1
        until(lambda: set(made) == set(team))  # Every branch is at the same step.
        said = runtime.pause(ME, session_id)
        assert said["state"] == "paused" and f"0 of {len(team)} interviews done" in said["message"]
        thread = runtime._manager._jobs[session_id].thread
        assert thread is not None and thread.is_alive()
        runtime.register_function("note", lambda topic: "noted")
        other = runtime.start(ME, {"topic": "x", "researcher": "note"})[0]["session_id"]
        until(lambda: runtime.get(ME, other)["state"] == "completed")
        go.set()
        thread.join(60)
        assert not thread.is_alive()
        assert made == dict.fromkeys(team, 1)
        before = runtime.events(ME, session_id)[1]
        assert before == said["last_seq"]  # What ended in the background says nothing.
        runtime.resume(ME, session_id)
        until(lambda: runtime.get(ME, session_id)["state"] in ("completed", "failed"))
        assert runtime.get(ME, session_id)["state"] == "completed"
        assert made == dict.fromkeys(team, 2)  # The second turn, and nothing again.
    finally:
        go.set()
        runtime.close()
