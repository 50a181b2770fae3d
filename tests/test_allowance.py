from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Person
from test_manager import ALICE, BOB, Desk

from jupyter_research.analysts import Analysts
from jupyter_research.context import request_approval, send_status_update
from jupyter_research.errors import LimitReached, WrongState
from jupyter_research.manager import allowance
from jupyter_research.work import Place


@pytest.fixture
def desk_with(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(**limits: int) -> Desk:
        desks.append(Desk(tmp_path, **limits))
        desks[-1].manager.take_up_work(resume=False)
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def endless(topic: str) -> str:
    while True:
        send_status_update("Still at it.")
        time.sleep(0.01)


def test_a_function_that_works_for_too_long_is_completed_and_lets_the_next_one_in(
    desk_with: Callable[..., Desk],
):
    desk = desk_with(max_session_seconds=1, max_working_sessions=1)
    desk.add("endless", endless)
    desk.add("note", lambda topic: "noted")
    session_id, after = desk.start(researcher="endless"), desk.start(researcher="note")
    ended = desk.until(session_id, "completed")
    assert ended["report_available"] is False and ended["error"] is None
    [limitation] = ended["limitations"]
    assert "1 seconds" in limitation and "max_session_seconds" in limitation
    desk.until(after, "completed")
    with pytest.raises(WrongState):
        desk.manager.resume(ALICE, session_id)


def test_cell_of_a_session_whose_time_ran_out_starts_a_new_one(desk_with: Callable[..., Desk]):
    desk = desk_with(max_session_seconds=1)
    desk.add("endless", endless)
    first = desk.start(researcher="endless", key="cell")
    desk.until(first, "completed")
    assert desk.start(researcher="endless", key="cell") != first


def test_failed_session_that_has_had_its_time_is_not_resumed(desk_with: Callable[..., Desk]):
    desk = desk_with(max_session_seconds=3600)
    desk.add("fails", lambda topic: str(1 / 0))
    session_id = desk.start(researcher="fails")
    desk.until(session_id, "failed")
    job = desk.manager._job(ALICE, session_id)
    job.worked += 3601
    desk.manager._jobs[session_id] = job
    with pytest.raises(LimitReached, match="3,600 seconds"):
        desk.manager.resume(ALICE, session_id)


def test_time_at_work_is_counted_over_restarts_and_waiting_is_not(desk_with: Callable[..., Desk]):
    desk = desk_with(max_session_seconds=3600)
    desk.add("asks", lambda topic: str(request_approval("So?", 1)))
    session_id = desk.start(researcher="asks")
    desk.until(session_id, "awaiting_approval")
    job = desk.manager._jobs[session_id]
    before = job.seconds
    time.sleep(0.05)
    assert job.seconds == before
    blocker = desk.start()
    desk.until(blocker, "researching")
    time.sleep(0.3)
    desk.manager.pause(ALICE, blocker)
    worked = desk.manager._jobs[blocker].seconds
    assert worked >= 0.3
    again = desk.again()
    [row] = [row for row in again.store.rows() if row.session_id == blocker]
    log = again.store.log(blocker)
    assert log is not None
    assert again.manager.recovery.restore(row, log).seconds == pytest.approx(worked, abs=0.2)
    again.close()


def test_a_planner_gets_its_time_as_a_budget_and_some_grace(
    desk_with: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
):
    desk = desk_with(max_session_seconds=1)
    session_id = desk.start()
    desk.until(session_id, "researching")
    job = desk.manager._jobs[session_id]
    job.worked += 2
    desk.manager._allowance.end_overdue()
    assert desk.state(session_id) == "researching"
    monkeypatch.setattr(allowance, "GRACE", 0.5)
    assert desk.until(session_id, "completed")["report_available"] is False


def test_the_built_in_analysts_are_told_the_limit(tmp_path: Path):
    (tmp_path / "a.md").write_text("# A\n\nText.\n")
    place = Place(root=tmp_path, folder=tmp_path)
    analysts = Analysts(indexes=tmp_path, max_seconds=100)
    assert analysts.check({}, place)["budget"] == {"seconds": 100}
    assert analysts.check({"budget": {"seconds": 5, "calls": 2}}, place)["budget"] == {
        "seconds": 5,
        "calls": 2,
    }
    assert analysts.check({"budget": {"seconds": 500}}, place)["budget"] == {"seconds": 100}


def writes(topic: str) -> str:
    for _ in range(100):
        send_status_update("x" * 1000)
    return "written"


def test_who_has_filled_the_room_is_refused_and_nobody_else_is(desk_with: Callable[..., Desk]):
    desk = desk_with(max_bytes_per_owner=100_000)
    desk.add("writes", writes)
    session_id = desk.start(researcher="writes")
    desk.until(session_id, "completed")
    (desk.path / "sessions" / session_id / "more").write_bytes(b"x" * 10_000)
    assert 110_000 < desk.manager._allowance.used("alice") < 200_000
    with pytest.raises(LimitReached, match="delete some") as refusal:
        desk.start(researcher="writes")
    assert refusal.value.retry_after > 0
    desk.until(desk.start(BOB, researcher="writes"), "completed", caller=BOB)
    desk.manager.delete(ALICE, session_id)
    desk.until(desk.start(researcher="writes"), "completed")


def test_only_the_folders_of_sessions_that_have_worked_since_are_measured_again(
    desk_with: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
):
    desk = desk_with()
    desk.add("writes", writes)
    desk.add("asks", lambda topic: str(request_approval("So?", 1)))
    session_id, waits = desk.start(researcher="writes"), desk.start(researcher="asks")
    desk.until(session_id, "completed")
    desk.until(waits, "awaiting_approval")
    measured: list[str] = []
    size = allowance._size
    monkeypatch.setattr(allowance, "_size", lambda folder: measured.append(folder.name) or size(folder))
    used = desk.manager._allowance.used("alice")
    assert sorted(measured) == sorted([session_id, waits])
    assert desk.manager._allowance.used("alice") == used and len(measured) == 2
    (desk.path / "sessions" / waits / "more").write_bytes(b"x" * 10_000)
    desk.manager.approve(ALICE, waits, {"version": 1})
    desk.until(waits, "completed")
    assert desk.manager._allowance.used("alice") > used + 10_000
    assert measured[2:] == [waits]
    desk.manager.delete(ALICE, waits)
    assert desk.manager._allowance.used("alice") < used and len(measured) == 3


def test_fifty_sessions_of_one_person_delay_anothers_first_by_one_at_most(desk_with: Callable[..., Desk]):
    desk = desk_with(max_working_sessions=1)
    order: list[Any] = []
    desk.add("note", lambda topic: order.append(topic) or "")
    blocker = desk.start(BOB, topic="blocker")
    desk.until(blocker, "researching", caller=BOB)
    for number in range(50):
        desk.start(ALICE, topic=f"alice {number}", researcher="note")
    last = desk.start(BOB, topic="bob", researcher="note")
    desk.planner.go.set()
    desk.until(last, "completed", caller=BOB)
    assert order.index("bob") <= 1


@pytest.fixture
def research_config() -> dict[str, Any]:
    return {"max_bytes_per_owner": 1, "max_session_seconds": 3600, "keep_days": 9, "keep_sessions": 9}


async def test_refusal_says_what_to_do_and_when_to_come_again(me: Person) -> None:
    session_id = (await me.start())["session_id"]
    await me.until(session_id, "completed")
    answer = await me.ask("POST", "sessions", {"topic": "another", "researcher": "steps"})
    assert answer.code == 429 and int(answer.headers["Retry-After"]) > 0
    body = json.loads(answer.body)
    assert body["code"] == "limit" and "delete some" in body["error"]
    assert (await me.ask("DELETE", f"sessions/{session_id}")).code == 204
    await me.until((await me.start())["session_id"], "completed")
