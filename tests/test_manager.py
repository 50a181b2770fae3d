from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from jupyter_research.carry import carriers
from jupyter_research.context import get_session_context, request_approval, send_status_update
from jupyter_research.errors import (
    InvalidRequest,
    LimitReached,
    ResearchError,
    SessionNotFound,
    StaleVersion,
    WrongState,
)
from jupyter_research.events import State, initial, reduce_all
from jupyter_research.manager import Limits, Manager
from jupyter_research.report import Report
from jupyter_research.researchers import FunctionResearcher, Registry
from jupyter_research.store import Store
from jupyter_research.work import Caller, Drained, Finished, Outcome, Place, Proposed, Work

ALICE = Caller(owner="alice")
BOB = Caller(owner="bob")
TEAM = {"analysts": [{"id": "a1", "name": "Ada", "role": "", "affiliation": "", "description": ""}]}


class Planner:
    """Plan, be approved, work in steps: what the built-in researcher does, without the research."""

    name = "analysts"
    description = "Plans."
    plans = True

    def __init__(self) -> None:
        self.go = threading.Event()
        self.steps = 0
        self.files = "unchanged"
        self.seen: list[Any] = []

    def check(self, options: Mapping[str, Any], place: Place) -> dict[str, Any]:
        if set(options) - {"analysts"}:
            raise InvalidRequest("unknown option")
        return {"analysts": 3, **options}

    def asks(self, options: Mapping[str, Any]) -> bool:
        return False

    def fingerprint(self, options: Mapping[str, Any], place: Place, owner: str) -> str:
        return self.files

    def check_proposal(self, proposal: Any) -> Any:
        if not isinstance(proposal, dict) or "analysts" not in proposal:
            raise InvalidRequest("not a team")
        return proposal

    def run(self, work: Work) -> Outcome:
        self.seen.append(work.decision)
        send_status_update("Looking at it.")
        if work.decision is None or work.decision.feedback is not None:
            return Proposed(question="This team?", proposal=TEAM)
        while not self.go.wait(0.005):
            if work.control.drain_requested.is_set():
                return Drained()
            if work.control.cancelled.is_set():
                send_status_update("never logged")
        if work.control.drain_requested.is_set():
            return Drained()
        self.steps += 1
        send_status_update("Done.", {"done": 1, "total": 1})
        return Finished(report=Report(title="A report"))

    def source_text(self, folder: Path, source_id: str) -> tuple[str, str] | None:
        return None


class Desk:
    """Hold a manager over a real store, and wait for things."""

    def __init__(self, path: Path, **limits: int) -> None:
        self.path = path
        self.planner = Planner()
        self.registry = Registry(self.planner, {})
        self.grown = threading.Condition()
        self.store = Store(path / "research.sqlite", on_commit=self.on_commit, on_failure=self.on_failure)
        self.manager = Manager(
            self.store,
            self.registry,
            limits=Limits(**limits),
            folder=path / "sessions",
            place=lambda notebook, caller: Place(root=path, folder=path, guest=caller.guest),
        )

    def on_commit(self, logs: Any) -> None:
        with self.grown:
            self.grown.notify_all()

    def on_failure(self, logs: Any, sentence: str) -> None:
        self.manager.recovery.storage_failed(logs, sentence)

    def add(self, name: str, function: Callable[..., Any]) -> None:
        self.registry.add(FunctionResearcher(name, function))

    def start(self, caller: Caller = ALICE, **fields: Any) -> str:
        snapshot, _ = self.manager.start(caller, {"topic": "a topic", **fields})
        return str(snapshot["session_id"])

    def snapshot(self, session_id: str, caller: Caller = ALICE) -> dict[str, Any]:
        return self.manager.questions.snapshot(caller, session_id)

    def state(self, session_id: str, caller: Caller = ALICE) -> str:
        return str(self.snapshot(session_id, caller)["state"])

    def until(self, session_id: str, *states: str, caller: Caller = ALICE) -> dict[str, Any]:
        with self.grown:
            arrived = self.grown.wait_for(lambda: self.state(session_id, caller) in states, 90)
        assert arrived, self.state(session_id, caller)
        return self.snapshot(session_id, caller)

    def kinds(self, session_id: str) -> list[tuple[str, str]]:
        log = self.store.log(session_id)
        assert log is not None
        return [(event["kind"], event["detail"]["state"]) for event in self.store.marks(log)]

    def events(self, session_id: str) -> list[dict[str, Any]]:
        log = self.store.log(session_id)
        assert log is not None
        return [orjson.loads(body) for body in self.store.read(log, 0, 10**6)]

    def close(self) -> None:
        self.planner.go.set()
        self.manager.close(5)
        self.store.close()

    def again(self, *, resume: bool = False) -> Desk:
        """Start anew over the same files, as after a restart of the server."""
        self.manager.close(0.5)
        self.store.close()
        desk = Desk(self.path)
        for name in self.registry.names():
            if name != "analysts":
                desk.registry.add(self.registry.get(name))
        desk.manager.recovery.recover(resume=resume)
        return desk


@pytest.fixture(autouse=True)
def carried() -> Iterator[None]:
    carriers.install()
    yield
    carriers.remove()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_a_session_that_asks_goes_through_the_states_of_the_contract(desk: Desk):
    session_id = desk.start(approve="ask")
    waiting = desk.until(session_id, "awaiting_approval")
    assert (waiting["version"], waiting["proposal"], waiting["question"]) == (1, TEAM, "This team?")
    assert [analyst["id"] for analyst in waiting["analysts"]] == ["a1"]
    answer = desk.manager.approve(ALICE, session_id, {"version": 1})
    assert answer["state"] == "researching"
    desk.planner.go.set()
    done = desk.until(session_id, "completed")
    assert done["report_available"] and done["done"] == done["total"] == 1
    assert desk.kinds(session_id) == [
        ("session_started", "queued"),
        ("work_started", "planning"),
        ("approval_requested", "awaiting_approval"),
        ("research_approved", "researching"),
        ("work_started", "researching"),
        ("research_completed", "completed"),
    ]


def test_with_auto_the_approval_follows_the_proposal_at_once(desk: Desk):
    desk.planner.go.set()
    session_id = desk.start()
    assert desk.until(session_id, "completed")["version"] == 1
    assert [kind for kind, _ in desk.kinds(session_id)] == [
        "session_started", "work_started", "research_approved", "research_completed",
    ]  # fmt: skip


def test_an_edited_team_is_the_one_used_and_a_change_makes_a_new_version(desk: Desk):
    session_id = desk.start(approve="ask")
    desk.until(session_id, "awaiting_approval")
    changed = desk.manager.modify(ALICE, session_id, {"version": 1, "feedback": "more economists"})
    assert changed["state"] in ("planning", "awaiting_approval")
    with desk.grown:
        assert desk.grown.wait_for(lambda: desk.snapshot(session_id)["version"] == 2, 90)
    with pytest.raises(StaleVersion):
        desk.manager.approve(ALICE, session_id, {"version": 1})
    edited = {"analysts": [{**TEAM["analysts"][0], "name": "Grace"}]}
    approved = desk.manager.approve(ALICE, session_id, {"version": 2, "proposal": edited})
    assert approved["analysts"][0]["name"] == "Grace"
    desk.planner.go.set()
    desk.until(session_id, "completed")
    assert desk.planner.seen[-1].proposal == edited
    assert desk.planner.seen[1].feedback == "more economists"


def test_a_repeated_approval_changes_nothing_and_another_is_refused(desk: Desk):
    session_id = desk.start(approve="ask")
    desk.until(session_id, "awaiting_approval")
    first = desk.manager.approve(ALICE, session_id, {"version": 1})
    count = len(desk.kinds(session_id))
    second = desk.manager.approve(ALICE, session_id, {"version": 1, "proposal": TEAM})
    assert (second["state"], len(desk.kinds(session_id))) == (first["state"], count)
    with pytest.raises(WrongState):
        desk.manager.approve(ALICE, session_id, {"version": 1, "proposal": {"analysts": []}})
    with pytest.raises(WrongState):
        desk.manager.approve(ALICE, session_id, {"version": 2})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "JSON object"),
        ({}, "topic"),
        ({"topic": ""}, "empty"),
        ({"topic": "  \n"}, "empty"),
        ({"topic": 7}, "text"),
        ({"topic": "x" * 4001}, "4,000"),
        ({"topic": "\ud800"}, "surrogates"),
        ({"topic": "t", "colour": "red"}, "'colour'"),
        ({"topic": "t", "researcher": "nobody"}, "no researcher 'nobody'"),
        ({"topic": "t", "researcher": ""}, "no researcher ''"),
        ({"topic": "t", "options": []}, "options"),
        ({"topic": "t", "approve": "maybe"}, "approve"),
        ({"topic": "t", "key": ""}, "key"),
    ],
)
def test_a_bad_start_is_refused_in_one_sentence(desk: Desk, body: Any, words: str):
    with pytest.raises(InvalidRequest, match=words):
        desk.manager.start(ALICE, body)
    assert desk.store.counts("alice") == {}


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("approve", {}),
        ("approve", {"version": "1"}),
        ("approve", {"version": True}),
        ("approve", {"version": 1, "extra": 1}),
        ("approve", {"version": 1, "proposal": []}),
        ("modify", {"version": 1}),
        ("modify", {"version": 1, "feedback": " "}),
        ("modify", {"version": 1, "feedback": "x" * 4001}),
        ("modify", {"feedback": "more"}),
    ],
)
def test_a_bad_decision_is_refused_and_the_session_still_waits(desk: Desk, command: str, body: Any):
    session_id = desk.start(approve="ask")
    desk.until(session_id, "awaiting_approval")
    with pytest.raises(InvalidRequest):
        getattr(desk.manager, command)(ALICE, session_id, body)
    assert desk.state(session_id) == "awaiting_approval"


def nested(depth: int) -> list[Any]:
    """Put a list into a list into a list."""
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize("value", [{"n": 2**70}, [-(2**64)], nested(500)], ids=["large", "small", "deep"])
def test_what_the_log_cannot_hold_is_refused_and_changes_nothing(tmp_path: Path, value: Any):
    desk = Desk(tmp_path, max_working_sessions=1)
    desk.add("asks", lambda topic, **options: str(request_approval("Shall we?", {"yes": True})))
    with pytest.raises(InvalidRequest, match="cannot be kept"):
        desk.start(researcher="asks", options={"value": value})
    assert desk.store.counts("alice") == {}
    waiting = desk.start(researcher="asks")
    desk.until(waiting, "awaiting_approval")
    with pytest.raises(InvalidRequest, match="cannot be kept"):
        desk.manager.approve(ALICE, waiting, {"version": 1, "proposal": value})
    assert desk.state(waiting) == "awaiting_approval"
    desk.until(desk.start(researcher="asks", approve="auto"), "completed")
    desk.manager.approve(ALICE, waiting, {"version": 1})
    desk.until(waiting, "completed")
    desk.close()


def test_a_function_that_proposes_what_the_log_cannot_hold_fails_with_the_reason(desk: Desk):
    desk.add("asks", lambda topic: str(request_approval("Shall we?", {"number": 2**70})))
    failed = desk.until(desk.start(researcher="asks"), "failed")
    assert "cannot be kept" in failed["error"]["message"]


def test_another_persons_session_is_unknown_to_every_command(desk: Desk):
    session_id = desk.start(approve="ask")
    desk.until(session_id, "awaiting_approval")
    manager = desk.manager
    for command in (
        manager.questions.snapshot,
        manager.pause,
        manager.resume,
        manager.cancel,
        manager.delete,
        manager.questions.log_of,
    ):
        with pytest.raises(SessionNotFound):
            command(BOB, session_id)
    for decision, body in (
        (manager.approve, {"version": 1}),
        (manager.modify, {"version": 1, "feedback": "x"}),
    ):
        with pytest.raises(SessionNotFound):
            decision(BOB, session_id, body)
    with pytest.raises(SessionNotFound):
        manager.questions.source_text(BOB, session_id, "s1")
    assert manager.questions.list(BOB) == ([], None)
    assert desk.state(session_id) == "awaiting_approval"


def test_commands_that_the_state_does_not_allow_are_refused_with_the_state(desk: Desk):
    desk.planner.go.set()
    session_id = desk.start()
    desk.until(session_id, "completed")
    for command in (desk.manager.pause, desk.manager.resume, desk.manager.cancel):
        with pytest.raises(WrongState, match="completed"):
            command(ALICE, session_id)
    with pytest.raises(WrongState, match="completed"):
        desk.manager.approve(ALICE, session_id, {"version": 1})


def test_the_rest_queue_and_owners_take_turns(tmp_path: Path):
    desk = Desk(tmp_path, max_working_sessions=1)
    order: list[str] = []
    desk.add("note", lambda topic: order.append(topic) or "")
    blocker = desk.start()
    desk.until(blocker, "researching")
    for number in range(5):
        desk.start(ALICE, topic=f"alice {number}", researcher="note")
    last = desk.start(BOB, topic="bob", researcher="note")
    assert desk.state(last, BOB) == "queued"
    desk.planner.go.set()
    desk.until(last, "completed", caller=BOB)
    assert order.index("bob") <= 1
    desk.close()


def test_beyond_the_queue_a_start_is_refused(tmp_path: Path):
    desk = Desk(tmp_path, max_working_sessions=1, max_queued_sessions=2)
    for _ in range(3):
        desk.start()
    with pytest.raises(LimitReached) as refusal:
        desk.start()
    assert refusal.value.retry_after > 0
    desk.close()


def test_where_nothing_may_wait_a_start_that_need_not_wait_is_taken(tmp_path: Path):
    desk = Desk(tmp_path, max_working_sessions=1, max_queued_sessions=0)
    desk.until(desk.start(), "researching")
    with pytest.raises(LimitReached):
        desk.start()
    desk.close()


def test_a_queue_that_one_person_fills_refuses_nobody_who_need_not_wait(tmp_path: Path):
    desk = Desk(tmp_path, max_working_sessions=2, max_working_per_owner=1, max_queued_sessions=1)
    for _ in range(2):
        desk.start()
    with pytest.raises(LimitReached):
        desk.start()
    desk.until(desk.start(BOB), "researching", caller=BOB)
    desk.close()


def test_a_pause_is_committed_at_once_and_a_resume_goes_on_with_the_decision(desk: Desk):
    session_id = desk.start()
    desk.until(session_id, "researching")
    assert desk.manager.pause(ALICE, session_id)["state"] == "paused"
    assert desk.manager.pause(ALICE, session_id)["state"] == "paused"
    resumed = desk.manager.resume(ALICE, session_id)
    assert (resumed["state"], resumed["attempt"]) == ("researching", 2)
    assert desk.manager.resume(ALICE, session_id)["attempt"] == 2
    desk.planner.go.set()
    desk.until(session_id, "completed")
    assert desk.planner.steps == 1
    assert [kind for kind, _ in desk.kinds(session_id)].count("research_paused") == 1


def test_a_pause_says_what_is_kept(desk: Desk):
    session_id = desk.start()
    desk.until(session_id, "researching")
    assert desk.snapshot(session_id)["analysts"]
    desk.manager.pause(ALICE, session_id)
    assert "interview" not in (desk.snapshot(session_id)["message"] or "")
    desk.manager.resume(ALICE, session_id)
    log = desk.store.log(session_id)
    assert log is not None
    analysts = [analyst["id"] for analyst in desk.snapshot(session_id)["analysts"]]
    desk.store.update(log, log.gate, "x", {"analyst": analysts[0], "analyst_done": 4, "analyst_total": 4})
    desk.store.flush().result(60)
    paused = desk.manager.pause(ALICE, session_id)
    assert paused["message"] == "Paused: 1 of 1 interview done; nothing of it is done again."
    assert desk.events(session_id)[-1]["message"] == paused["message"]


def test_a_function_is_held_at_its_next_update_and_goes_on_in_the_same_attempt(desk: Desk):
    held, go = threading.Event(), threading.Event()

    def function(topic: str) -> str:
        held.set()
        go.wait(90)
        send_status_update("after the pause")
        return "# Done\n\nIt is."

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    assert held.wait(90)
    desk.manager.pause(ALICE, session_id)
    go.set()
    assert "after the pause" not in str(desk.events(session_id))
    assert desk.manager.resume(ALICE, session_id)["attempt"] == 1
    assert desk.until(session_id, "completed")["message"] == "after the pause"
    kinds = [event["kind"] for event in desk.events(session_id)]
    assert kinds.index("status_update") > kinds.index("research_resumed")


def test_a_cancelled_function_is_stopped_at_its_next_update_whatever_it_catches(desk: Desk):
    stopped, went_on = threading.Event(), threading.Event()

    def function(topic: str) -> str:
        send_status_update("working")
        try:
            while True:
                try:
                    time.sleep(0.002)
                    send_status_update("still working")
                except Exception:
                    went_on.set()
        finally:
            stopped.set()

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    with desk.grown:
        assert desk.grown.wait_for(lambda: "still working" in str(desk.events(session_id)), 90)
    assert desk.manager.cancel(ALICE, session_id)["state"] == "cancelled"
    assert stopped.wait(90) and not went_on.is_set()
    assert [event["kind"] for event in desk.events(session_id)][-1] == "research_cancelled"


def test_threads_left_behind_are_let_go_of_when_they_have_ended(desk: Desk):
    go = threading.Event()

    def function(topic: str) -> str:
        send_status_update("working")
        go.wait(90)
        return ""

    desk.add("function", function)
    for _ in range(3):
        session_id = desk.start(researcher="function")
        with desk.grown:
            assert desk.grown.wait_for(lambda name=session_id: "working" in str(desk.events(name)), 90)
        desk.manager.cancel(ALICE, session_id)
        # Those of the sessions before are gone, though nobody has asked for the figure.
        (thread,) = desk.manager._transitions._left_behind
        go.set()
        thread.join(90)
        go.clear()


def test_what_outlives_its_session_is_dropped_and_counted(desk: Desk):
    go = threading.Event()
    seen: list[Any] = []

    def late() -> None:
        go.wait(90)
        send_status_update("too late")
        seen.append(get_session_context())

    threads: list[threading.Thread] = []

    def function(topic: str) -> str:
        thread = threading.Thread(target=late)
        threads.append(thread)
        thread.start()
        return "done"

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    desk.until(session_id, "completed")
    log = desk.store.log(session_id)
    go.set()
    threads[0].join(90)
    assert seen == [None]
    assert log is not None and log.dropped == 1
    assert "too late" not in str(desk.events(session_id))


def test_a_function_that_fails_says_why_and_may_be_resumed(desk: Desk):
    tries: list[int] = []

    def function(topic: str) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the first try fails")
        return "done"

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    failed = desk.until(session_id, "failed")
    assert failed["error"] == {"code": "researcher_failed", "message": "ValueError: the first try fails"}
    desk.manager.resume(ALICE, session_id)
    assert desk.until(session_id, "completed")["error"] is None


def test_an_error_of_ours_keeps_its_code(desk: Desk):
    class NothingThere(ResearchError):
        """There is nothing there."""

        code = "nothing_there"

    def function(topic: str) -> str:
        raise NothingThere()

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    assert desk.until(session_id, "failed")["error"]["code"] == "nothing_there"


def ask_twice(topic: str) -> str:
    first = request_approval("First?", {"n": 1})
    second = request_approval("Second?", {"n": 2})
    return f"# Done\n\n{first['n']} {second['n']}"


def test_a_function_may_ask_and_gets_the_edited_proposals(desk: Desk):
    desk.add("asks", ask_twice)
    session_id = desk.start(researcher="asks")
    assert desk.until(session_id, "awaiting_approval")["question"] == "First?"
    desk.manager.approve(ALICE, session_id, {"version": 1, "proposal": {"n": 10}})
    with desk.grown:
        assert desk.grown.wait_for(lambda: desk.snapshot(session_id)["version"] == 2, 90)
    with pytest.raises(WrongState):
        desk.manager.modify(ALICE, session_id, {"version": 2, "feedback": "other"})
    desk.manager.approve(ALICE, session_id, {"version": 2})
    desk.until(session_id, "completed")
    log = desk.store.log(session_id)
    assert log is not None
    report = Report.from_json(orjson.loads(desk.store.report(log) or b"{}"))
    assert report.markdown == "# Done\n\n10 2"


def test_after_a_restart_what_was_approved_is_answered_from_the_log(desk: Desk):
    desk.add("asks", ask_twice)
    session_id = desk.start(researcher="asks")
    desk.until(session_id, "awaiting_approval")
    desk.manager.approve(ALICE, session_id, {"version": 1, "proposal": {"n": 10}})
    with desk.grown:
        assert desk.grown.wait_for(lambda: desk.snapshot(session_id)["version"] == 2, 90)
    desk = desk.again()
    assert desk.state(session_id) == "awaiting_approval"
    desk.manager.approve(ALICE, session_id, {"version": 2, "proposal": {"n": 20}})
    desk.until(session_id, "completed")
    log = desk.store.log(session_id)
    assert log is not None and b"10 20" in (desk.store.report(log) or b"")
    desk.close()


def test_an_approval_waits_through_restarts(desk: Desk):
    session_id = desk.start(approve="ask")
    desk.until(session_id, "awaiting_approval")
    desk = desk.again().again()
    assert desk.state(session_id) == "awaiting_approval"
    edited = {"analysts": [{**TEAM["analysts"][0], "name": "Grace"}]}
    desk.manager.approve(ALICE, session_id, {"version": 1, "proposal": edited})
    desk.planner.go.set()
    desk.until(session_id, "completed")
    assert desk.planner.seen == [desk.planner.seen[0]] and desk.planner.seen[0].proposal == edited
    desk.close()


def test_what_worked_when_the_server_stopped_is_interrupted_and_can_be_resumed(desk: Desk):
    session_id = desk.start()
    desk.until(session_id, "researching")
    desk = desk.again()
    assert desk.state(session_id) == "interrupted"
    desk.planner.go.set()
    assert desk.manager.resume(ALICE, session_id)["attempt"] == 2
    desk.until(session_id, "completed")
    desk.close()


def test_what_a_killed_server_left_working_is_interrupted_or_resumed_by_itself(desk: Desk, tmp_path: Path):
    session_id = desk.start()
    desk.until(session_id, "researching")
    desk.store._writer.stop(5)  # Nothing more is written, as after a kill.
    other = Desk(tmp_path)
    other.manager.recovery.recover(resume=True)
    other.planner.go.set()
    other.until(session_id, "completed")
    kinds = [kind for kind, _ in other.kinds(session_id)]
    assert kinds[3:] == ["research_interrupted", "research_resumed", "work_started", "research_completed"]
    other.close()


def test_a_session_whose_researcher_is_gone_can_be_looked_at_cancelled_and_says_so_when_resumed(desk: Desk):
    desk.add("gone", ask_twice)
    first, second = desk.start(researcher="gone"), desk.start(researcher="gone")
    for session_id in (first, second):
        desk.until(session_id, "awaiting_approval")
    desk.close()
    desk = Desk(desk.path)
    assert desk.manager.cancel(ALICE, first)["state"] == "cancelled"
    desk.manager.approve(ALICE, second, {"version": 1})
    failed = desk.until(second, "failed")
    assert "no researcher 'gone'" in failed["error"]["message"]
    desk.close()


def test_a_key_finds_its_session_again_until_something_changes(desk: Desk):
    desk.planner.go.set()
    first = desk.start(key="cell-1")
    desk.until(first, "completed")
    snapshot, created = desk.manager.start(ALICE, {"topic": "a topic", "key": "cell-1"})
    assert (snapshot["session_id"], created) == (first, False)
    _, created = desk.manager.start(BOB, {"topic": "a topic", "key": "cell-1"})
    assert created
    desk.planner.files = "changed"
    second, created = desk.manager.start(ALICE, {"topic": "a topic", "key": "cell-1"})
    assert created and second["session_id"] != first
    desk.planner.files = "unchanged"
    _, created = desk.manager.start(ALICE, {"topic": "a topic", "key": "cell-1"})
    assert created  # The second session has taken the key.


def test_two_at_once_under_one_key_make_one_session(desk: Desk):
    answers: list[tuple[str, bool]] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        snapshot, created = desk.manager.start(ALICE, {"topic": "a topic", "key": "k"})
        answers.append((snapshot["session_id"], created))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({session_id for session_id, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1


def test_the_snapshot_equals_reduce_over_the_log(desk: Desk):
    desk.planner.go.set()
    session_id = desk.start(approve="ask")
    desk.until(session_id, "awaiting_approval")
    desk.manager.approve(ALICE, session_id, {"version": 1})
    snapshot = desk.until(session_id, "completed")
    snapshot.pop("viewers")
    assert reduce_all(initial(session_id), desk.events(session_id)) == snapshot


@pytest.mark.parametrize("cap", [10, 100])
def test_beyond_the_cap_of_events_the_report_says_what_was_not_logged(tmp_path: Path, cap: int):
    desk = Desk(tmp_path, max_events=cap)

    def chatty(topic: str) -> str:
        def say(thread: int) -> None:
            for number in range(100):
                send_status_update(f"{thread}: {number}")

        with ThreadPoolExecutor(5) as pool:
            list(pool.map(say, range(5)))
        return "done"

    desk.add("chatty", chatty)
    done = desk.until(desk.start(researcher="chatty"), "completed")
    logged = sum(event["kind"] == "status_update" for event in desk.events(done["session_id"]))
    assert f"{500 - logged} updates beyond the cap of {cap} events were not logged." in done["limitations"]
    assert cap * 0.8 <= done["last_seq"] <= cap
    desk.close()


def test_a_deleted_session_leaves_no_file(desk: Desk):
    session_id = desk.start()
    desk.until(session_id, "researching")
    folder = desk.path / "sessions" / session_id
    assert folder.is_dir()
    desk.manager.delete(ALICE, session_id)
    with pytest.raises(SessionNotFound):
        desk.snapshot(session_id)
    end = time.monotonic() + 90
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not folder.exists()


def test_a_full_disk_fails_the_session_and_a_resume_mends_it(desk: Desk):
    session_id = desk.start()
    desk.until(session_id, "researching")
    (pages,) = desk.store._connection.execute("PRAGMA page_count").fetchone()
    desk.store._connection.execute(f"PRAGMA max_page_count={pages}")
    log = desk.store.log(session_id)
    assert log is not None
    for _ in range(40):
        desk.store.update(log, log.gate, "x" * 4000, None)
    end = time.monotonic() + 90
    while desk.state(session_id) != "failed" and time.monotonic() < end:
        time.sleep(0.01)
    error = desk.snapshot(session_id)["error"]
    assert error["code"] == "storage" and "research.sqlite" in error["message"]
    desk.store._connection.execute("PRAGMA max_page_count=100000")
    desk.planner.go.set()
    desk.manager.resume(ALICE, session_id)
    desk.until(session_id, "completed")
    assert State.FAILED.value in [state for _, state in desk.kinds(session_id)]


def test_take_over_leaves_alone_what_a_command_has_set_to_work(desk: Desk) -> None:
    session_id = desk.start()
    desk.until(session_id, "researching")
    before = desk.kinds(session_id)
    desk.manager.recovery.recover(resume=True, only={session_id})
    assert desk.kinds(session_id) == before
    desk.planner.go.set()
    desk.until(session_id, "completed")


def test_command_on_a_session_that_was_just_taken_over_finds_it_interrupted(desk: Desk) -> None:
    session_id = desk.start()
    desk.until(session_id, "researching")
    job = desk.manager._jobs.pop(session_id)  # As it is between its way into the file and into memory.
    assert job.running is not None
    job.running.cancel()
    with desk.manager._lock:
        desk.manager._transitions.slots.release(job)  # It worked in another server.
    with pytest.raises(WrongState, match="interrupted"):
        desk.manager.pause(ALICE, session_id)
    assert desk.manager.resume(ALICE, session_id)["state"] in ("planning", "researching")
    desk.manager.recovery.recover(resume=True, only={session_id})
    desk.planner.go.set()
    desk.until(session_id, "completed")
    with desk.manager._lock:
        assert desk.manager._transitions.slots._working.total() == 0


def test_other_servers_are_asked_while_nobody_waits_for_the_lock(desk: Desk) -> None:
    free: list[bool] = []

    def find(owner: str, session_id: str) -> None:
        def look() -> None:
            free.append(desk.manager._lock.acquire(timeout=60))
            if free[-1]:
                desk.manager._lock.release()

        looker = threading.Thread(target=look)
        looker.start()
        looker.join()

    desk.manager.questions._neighbours.find = find  # type: ignore[method-assign]
    manager = desk.manager
    for command in (manager.pause, manager.resume, manager.cancel, manager.delete):
        with pytest.raises(SessionNotFound):
            command(ALICE, "0" * 32)
    for decide, more in ((manager.approve, {}), (manager.modify, {"feedback": "more"})):
        with pytest.raises(SessionNotFound):
            decide(ALICE, "0" * 32, {"version": 1, **more})
    assert free == [True] * 6


def test_function_that_waits_for_a_decision_ends_when_its_log_is_broken(desk: Desk) -> None:
    desk.add("asks", lambda topic: str(request_approval("So?", 1)))
    session_id = desk.start(researcher="asks")
    desk.until(session_id, "awaiting_approval")
    job = desk.manager._jobs[session_id]
    job.log.broken = "The disk is full."
    desk.manager.recovery.end_broken([job.log])
    assert job.thread is not None
    job.thread.join(30)
    assert not job.thread.is_alive()
