from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_manager import ALICE, BOB, Desk
from test_neighbours import until

from jupyter_research.context import request_approval, send_status_update


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, keep_sessions=2)
    desk.add("note", lambda topic: "noted")
    desk.add("asks", lambda topic: str(request_approval("So?", 1)))
    desk.add("fills", fills)
    yield desk
    desk.close()


def fills(topic: str) -> str:
    for _ in range(500):
        send_status_update("x" * 4000)
    return "filled"


def done(desk: Desk, researcher: str = "note", **fields: str) -> str:
    session_id = desk.start(researcher=researcher, **fields)
    desk.until(session_id, "completed")
    return session_id


def sessions(desk: Desk) -> set[str]:
    return {row.session_id for row in desk.store.rows()}


def age(desk: Desk, session_id: str, time: str = "2020-01-01T00:00:00.000Z") -> None:
    """Let the last event of a session be an old one."""
    log = desk.store.log(session_id)
    assert log is not None
    with closing(sqlite3.connect(desk.path / "research.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE events SET body = json_set(body, '$.time', ?) WHERE session = ? AND seq = ?",
            (time, log.number, log.last),
        )


def test_beyond_the_count_the_oldest_finished_sessions_go(desk: Desk) -> None:
    ids = [done(desk) for _ in range(5)]
    bobs = desk.start(BOB, researcher="note")
    desk.until(bobs, "completed", caller=BOB)
    assert desk.manager._retention.sweep() == 3
    assert sessions(desk) == {*ids[3:], bobs}
    assert desk.manager._retention.sweep() == 0


def test_what_waits_for_a_person_or_works_stays_however_much_there_is(desk: Desk) -> None:
    waiting = [desk.start(researcher="asks") for _ in range(3)]
    working, paused = desk.start(), desk.start()
    for session_id in waiting:
        desk.until(session_id, "awaiting_approval")
    for session_id in (working, paused):
        desk.until(session_id, "researching")
    desk.manager.pause(ALICE, paused)
    ended = done(desk)
    assert desk.manager._retention.sweep() == 1
    assert sessions(desk) == {*waiting, working, paused}
    assert ended not in sessions(desk)


def test_what_can_be_resumed_goes_after_all_that_is_finished(desk: Desk) -> None:
    interrupted = desk.start()
    desk.until(interrupted, "researching")
    again = desk.again()
    assert again.state(interrupted) == "interrupted"
    finished = [done(again) for _ in range(2)]
    again.manager._retention._limits = desk.manager._transitions.limits
    assert again.manager._retention.sweep() == 1
    assert sessions(again) == {interrupted, finished[1]}
    age(again, interrupted)
    done(again)
    again.manager._retention.sweep()
    assert interrupted in sessions(again)
    again.close()


def test_after_the_days_a_session_is_removed_with_its_files(tmp_path: Path) -> None:
    desk = Desk(tmp_path, keep_days=30)
    desk.add("note", lambda topic: "noted")
    desk.add("asks", lambda topic: str(request_approval("So?", 1)))
    old, new, waits = done(desk), done(desk), desk.start(researcher="asks")
    desk.until(waits, "awaiting_approval")
    folder = desk.path / "sessions" / old
    assert folder.is_dir()
    for session_id in (old, waits):
        age(desk, session_id)
    assert desk.manager._retention.sweep() == 1
    assert sessions(desk) == {new, waits}
    until(lambda: not folder.exists())  # A thread that is still on its way out takes it along.
    desk.close()


def test_the_file_gets_smaller_while_others_write(desk: Desk) -> None:
    for _ in range(3):
        done(desk, "fills")
    desk.store.flush().result(30)
    size = desk.path / "research.sqlite"

    def pages() -> int:
        with closing(sqlite3.connect(size)) as connection:
            (count,) = connection.execute("PRAGMA page_count").fetchone()
            return int(count)

    before = pages()
    assert before > 1500
    done(desk), done(desk)
    working = desk.start()
    desk.until(working, "researching")
    assert desk.manager._retention.sweep() == 4
    assert pages() < before / 5
    assert desk.state(working) == "researching"


def test_the_sweep_is_done_at_the_start(desk: Desk) -> None:
    ids = [done(desk) for _ in range(3)]
    desk.manager.take_up_work(resume=False)
    until(lambda: sessions(desk) == set(ids[1:]))
