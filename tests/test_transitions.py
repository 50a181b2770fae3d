"""Command sessions from several threads at once, in any order, and hold their logs against the contract."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from test_manager import ALICE, TEAM, Desk

from jupyter_research.carry import carriers
from jupyter_research.context import request_approval, send_status_update
from jupyter_research.errors import ResearchError
from jupyter_research.events import initial, reduce_all

FINISHED = {"completed", "cancelled", "failed"}

#: From which state to which, as the contract has it; from every unfinished one also to cancelled and failed.
LEGAL = {
    "": {"queued"},
    "queued": {"planning", "researching", "interrupted"},
    "planning": {"awaiting_approval", "researching", "paused", "interrupted", "completed"},
    "awaiting_approval": {"queued", "planning", "researching"},
    "researching": {"researching", "awaiting_approval", "completed", "paused", "interrupted"},
    "paused": {"queued", "planning", "researching"},
    "interrupted": {"queued", "planning", "researching"},
    "failed": {"queued", "planning", "researching"},
    "completed": {"queued", "planning", "researching"},
    "cancelled": set(),
}

#: The same state follows itself where an event says that a granted session has begun to work.
LEGAL["planning"] |= {"planning"}
LEGAL["queued"] |= {"queued"}


RESEARCHERS = st.sampled_from(["analysts", "asks"])
APPROVALS = st.sampled_from(["ask", "auto"])
#: Approve, modify, pause, resume, cancel, delete.
COMMANDS = st.lists(st.sampled_from(sorted("amprcd")), min_size=2, max_size=3)


def asks(topic: str) -> str:
    for number in range(3):
        send_status_update(f"step {number}", {"done": number, "total": 3})
        time.sleep(0.002)
    return str(request_approval("So?", {"n": 1}))


class Sessions(RuleBasedStateMachine):
    """Do to sessions what people do, two or three at the same moment."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder, max_working_sessions=2)
        self.desk.add("asks", asks)
        self.deleted: set[str] = set()
        self.faults: list[BaseException] = []

    def at_once(self, *commands: Callable[[], Any]) -> None:
        """Carry commands out in threads that begin together."""
        gate = threading.Barrier(len(commands))

        def carry_out(command: Callable[[], Any]) -> None:
            gate.wait()
            try:
                command()
            except ResearchError:
                pass  # Refused with a sentence: as good as done.
            except BaseException as error:
                self.faults.append(error)

        threads = [threading.Thread(target=carry_out, args=(command,)) for command in commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a command hangs"

    @rule(
        target=ids, researcher=st.sampled_from(["analysts", "asks"]), approve=st.sampled_from(["ask", "auto"])
    )
    def start(self, researcher: str, approve: str) -> str:
        return self.desk.start(researcher=researcher, approve=approve)

    @rule(
        session_id=ids, other=ids, names=st.lists(st.sampled_from(sorted("amprcd")), min_size=2, max_size=3)
    )
    def command(self, session_id: str, other: str, names: list[str]) -> None:
        targets = [session_id, session_id, other]
        self.at_once(*(self.make(name, target) for name, target in zip(names, targets, strict=False)))
        if "d" in names:
            gone = {target for name, target in zip(names, targets, strict=False) if name == "d"}
            self.deleted |= gone

    def make(self, name: str, session_id: str) -> Callable[[], Any]:
        manager, version = self.desk.manager, self.version(session_id)
        decision = {"version": version}
        return {
            "a": lambda: manager.approve(ALICE, session_id, {**decision, "proposal": TEAM}),
            "m": lambda: manager.modify(ALICE, session_id, {**decision, "feedback": "another"}),
            "p": lambda: manager.pause(ALICE, session_id),
            "r": lambda: manager.resume(ALICE, session_id),
            "c": lambda: manager.cancel(ALICE, session_id),
            "d": lambda: manager.delete(ALICE, session_id),
        }[name]

    def version(self, session_id: str) -> int:
        try:
            return int(self.desk.snapshot(session_id)["version"]) or 1
        except ResearchError:
            return 1

    @rule(working=st.booleans())
    def let_work(self, working: bool) -> None:
        if working:
            self.desk.planner.go.set()
        else:
            self.desk.planner.go.clear()

    @rule()
    def wait(self) -> None:
        time.sleep(0.02)

    @invariant()
    def every_log_is_whole_and_legal(self) -> None:
        assert self.faults == []
        self.desk.store.flush().result(60)
        for row in self.desk.store.rows():
            log = self.desk.store.log(row.session_id)
            if log is None:
                continue
            events = self.desk.events(row.session_id)
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            state = ""
            for event in events:
                following = event["detail"].get("state", state) if event["kind"] != "status_update" else state
                ends = following in ("cancelled", "failed") and state not in FINISHED
                assert following == state or ends or following in LEGAL[state], (state, following)
                assert event["kind"] != "status_update" or state not in FINISHED, "an update after the end"
                state = following
            snapshot = {k: v for k, v in self.desk.snapshot(row.session_id).items() if k != "viewers"}
            if snapshot["last_seq"] == len(events):
                assert reduce_all(initial(row.session_id), events) == snapshot

    @invariant()
    def what_was_deleted_is_gone(self) -> None:
        assert not self.deleted & {row.session_id for row in self.desk.store.rows()}

    @invariant()
    def no_more_work_than_there_are_slots(self) -> None:
        with self.desk.manager._lock:
            jobs = list(self.desk.manager._jobs.values())
            working = [job for job in jobs if job.state.working]
            queued = [job for job in jobs if job.state.value == "queued"]
            assert len(working) <= 2
            assert len(queued) == self.desk.manager._transitions.slots.queued
            assert not queued or len(working) == 2

    def teardown(self) -> None:
        self.desk.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.mark.slow
def test_no_order_of_commands_leads_to_an_illegal_state_or_loses_an_event() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    carriers.install()
    try:
        run_state_machine_as_test(
            Sessions,
            settings=settings(
                max_examples=25,
                stateful_step_count=25,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        carriers.remove()
