from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.context import request_approval, send_status_update
from jupyter_research.errors import InvalidRequest, ReadOnlySession, SessionNotFound
from jupyter_research.events import reduce
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.store import beat, claim, neighbours
from jupyter_research.store.folder import claim_exactly, family
from jupyter_research.work import Caller

ME = Caller(owner="local")
OTHER = Caller(owner="bob")

Open = Callable[..., Runtime]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    runtimes: list[Runtime] = []

    def open_one(**settings: Any) -> Runtime:
        runtime = Runtime(Settings(data_dir=tmp_path / "default", **settings))
        runtimes.append(runtime)
        runtime.open()
        runtime.register_function("note", lambda topic: f"noted {topic}")
        runtime.register_function("asks", lambda topic: str(request_approval("So?", 1)))
        runtime.register_function("slow", slow)
        # It looks for what others have left at once, and then not before the test has ended.
        until(lambda: all(runtime._manager._chores._due.values()))
        return runtime

    yield open_one
    for runtime in runtimes:
        runtime.close()


def slow(topic: str) -> str:
    while True:
        send_status_update("Still at it.")
        time.sleep(0.02)


def start(runtime: Runtime, researcher: str, *states: str, topic: str = "tides", **fields: Any) -> str:
    body = {"topic": topic, "researcher": researcher, **fields}
    session_id = str(runtime.start(ME, body)[0]["session_id"])
    until(lambda: runtime.get(ME, session_id)["state"] in states)
    return session_id


def until(look: Callable[[], Any]) -> None:
    end = time.monotonic() + 90
    while not look():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def topics(runtime: Runtime, **options: Any) -> list[str]:
    return [one["topic"] for one in runtime.list(ME, **options)[0]]


def test_sessions_of_a_second_server_are_listed_and_read_but_not_commanded(opened: Open) -> None:
    first, second = opened(), opened()
    mine = start(first, "note", "completed", topic="mine")
    time.sleep(0.002)  # Of two that began in the same millisecond nobody knows which is newer.
    theirs = start(second, "asks", "awaiting_approval", topic="theirs")
    ended = start(second, "note", "completed", topic="ended")
    assert topics(first) == ["ended", "theirs", "mine"] == topics(second)
    assert topics(first, states=["completed"]) == ["ended", "mine"]
    seen, known = first.get(ME, theirs), second.get(ME, theirs)
    assert seen.pop("read_only") is True and "read_only" not in known
    assert seen == known
    assert first.events(ME, theirs) == second.events(ME, theirs)
    assert first.report(ME, ended) == second.report(ME, ended)
    for command in (first.pause, first.resume, first.cancel, first.delete):
        with pytest.raises(ReadOnlySession):
            command(ME, theirs)
    with pytest.raises(ReadOnlySession):
        first.approve(ME, theirs, {"version": 1})
    assert second.get(ME, theirs) == known
    assert second.get(ME, mine)["read_only"] is True


def test_sessions_of_another_person_are_unknown_wherever_they_lie(opened: Open) -> None:
    first, second = opened(), opened()
    theirs = start(second, "note", "completed")
    for read in (first.get, first.events, first.report, first.cancel):
        with pytest.raises(SessionNotFound):
            read(OTHER, theirs)
    assert first.list(OTHER) == ([], None)


def test_pages_over_both_servers_come_newest_first_and_each_session_once(opened: Open) -> None:
    first, second = opened(), opened()
    expected = []
    for number in range(12):
        time.sleep(0.002)
        one = (first, second)[number % 3 == 1]
        start(one, "note", "completed", topic=str(number))
        expected.insert(0, str(number))
    for limit in (1, 2, 5, 12, 50):
        seen: list[str] = []
        before = None
        while True:
            page, before = first.list(ME, limit=limit, before=before)
            assert 0 < len(page) <= limit
            seen += [one["topic"] for one in page]
            if before is None:
                break
        assert seen == expected
    for wrong in ("x", "1-", "-1.2", "1-2", "1-2.3.4", "9" * 30, "1-222.3"):
        with pytest.raises(InvalidRequest):
            first.list(ME, before=wrong)


def written_down(folder: Path, session_id: str) -> bool:
    """Tell whether a server has stored a state of a session."""
    with closing(sqlite3.connect(folder / "research.sqlite")) as file:
        query = "SELECT snapshot_seq FROM sessions WHERE session_id = ?"
        (seq,) = file.execute(query, (session_id,)).fetchone()
        return bool(seq)


def test_list_reads_only_what_is_new_in_a_session_elsewhere(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = opened(), opened()
    ended = start(second, "note", "completed")
    theirs = start(second, "asks", "awaiting_approval")
    until(lambda: written_down(tmp_path / "default-2", ended))
    reduced: list[str] = []

    def counted(state: Any, event: Any) -> Any:
        reduced.append(event["session_id"])
        return reduce(state, event)

    monkeypatch.setattr(neighbours, "reduce", counted)
    assert {one["session_id"] for one in first.list(ME)[0]} == {ended, theirs}
    assert reduced.count(ended) < second.get(ME, ended)["last_seq"]  # The rest was written down.
    known = first.get(ME, theirs)["last_seq"]
    reduced.clear()
    assert first.list(ME)[0] == first.list(ME)[0] and reduced == []
    second.approve(ME, theirs, {"version": 1})
    until(lambda: first.get(ME, theirs)["state"] == "completed")
    assert reduced == [theirs] * (second.get(ME, theirs)["last_seq"] - known)
    assert first.list(ME)[0] == [{**second.get(ME, one), "read_only": True} for one in (theirs, ended)]


def test_state_read_from_a_life_of_the_log_that_a_power_cut_has_ended_is_not_gone_on_from(
    opened: Open, tmp_path: Path
) -> None:
    first, second = opened(), opened()
    theirs = start(second, "asks", "awaiting_approval")
    seen = first.get(ME, theirs)
    second.close()
    with closing(sqlite3.connect(tmp_path / "default-2" / "research.sqlite")) as file, file:
        file.execute("DELETE FROM events WHERE seq = ?", (seen["last_seq"],))
        file.execute("UPDATE sessions SET snapshot = NULL, snapshot_seq = 0, state = 'planning'")
        file.execute("UPDATE facts SET value = '0' WHERE name = 'clean'")
    again = opened()
    until(lambda: again.get(ME, theirs)["state"] == "interrupted")
    assert first.get(ME, theirs) == {**again.get(ME, theirs), "read_only": True}


def test_news_of_a_session_elsewhere_can_be_polled(opened: Open) -> None:
    first, second = opened(), opened()
    theirs = start(second, "slow", "researching")
    _, last = first.events(ME, theirs)
    first.wait(ME, theirs, after=last, timeout=60)
    assert first.events(ME, theirs, after=last)[0]


def test_server_that_lives_on_takes_over_what_another_has_left(opened: Open, tmp_path: Path) -> None:
    left = opened()
    waits = start(left, "asks", "awaiting_approval", topic="waits", key="cell")
    ended = start(left, "note", "completed", topic="ended")
    works = start(left, "slow", "researching", topic="works")
    server = opened(adopt=True)
    assert server.get(ME, waits)["read_only"] is True
    (tmp_path / "default" / "sessions" / ended / "kept.txt").write_text("kept")
    report, snapshot = server.report(ME, ended), left.get(ME, waits)
    events = left.events(ME, ended)
    left.close()
    server._manager._take_over(resume=False)
    assert server.get(ME, waits) == snapshot
    assert server.get(ME, works)["state"] == "interrupted"
    assert server.events(ME, ended) == events
    assert server.report(ME, ended) == report
    assert (tmp_path / "default-2" / "sessions" / ended / "kept.txt").read_text() == "kept"
    server.approve(ME, waits, {"version": 1, "proposal": 2})
    until(lambda: server.get(ME, waits)["state"] == "completed")
    again = server.start(ME, {"topic": "waits", "researcher": "asks", "key": "cell"})
    assert (again[0]["session_id"], again[1]) == (waits, False)
    # Whoever takes the folder next finds nothing there, and all of it read-only.
    assert opened().get(ME, ended)["read_only"] is True


def test_take_over_that_was_cut_short_goes_on_and_nothing_is_there_twice(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_research.store import adoption

    left = opened()
    ids = [start(left, "note", "completed", topic=str(number)) for number in range(3)]
    server = opened(adopt=True)
    left.close()
    taken = []

    def settle(future: Any) -> None:
        future.result(30)
        taken.append(1)
        if len(taken) == 2:
            raise OSError("the power went")

    monkeypatch.setattr(adoption, "settle", settle)
    assert server._manager._adopt is not None
    assert list(server._manager._adopt()) == ids[:1]
    monkeypatch.undo()
    assert list(server._manager._adopt()) == ids[1:]
    assert [one["session_id"] for one in server.list(ME)[0]] == ids[::-1]
    assert [server.report(ME, one).topic for one in ids] == ["0", "1", "2"]


def test_process_that_is_soon_gone_neither_queues_nor_takes_over(opened: Open) -> None:
    first = opened(max_working_sessions=1)
    start(first, "slow", "researching")
    queued = start(first, "note", "queued", topic="queued")
    first.close()
    command = opened(requeue=False)
    assert command.get(ME, queued)["state"] == "queued"
    command.close()
    server = opened()
    until(lambda: server.get(ME, queued)["state"] in ("completed", "failed"))


def test_family_is_the_folder_and_what_stands_beside_it(tmp_path: Path) -> None:
    for name in ("default", "default-2", "default-64", "default-65", "default-x", "default-02", "kernel-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "research.sqlite").touch()
        (tmp_path / name / "research.beside").touch()
    (tmp_path / "default-3").mkdir()
    found = [(number, path.name) for number, path in family(tmp_path / "default")]
    assert found == [(1, "default"), (2, "default-2"), (64, "default-64")]


def test_server_of_a_like_name_keeps_its_folder(tmp_path: Path) -> None:
    named = Runtime(Settings(data_dir=tmp_path / "default-2"))
    named.open()
    named.close()
    first, second = claim(tmp_path / "default"), claim(tmp_path / "default")
    assert [first.path.name, second.path.name] == ["default", "default-3"]
    assert list(first.siblings()) == []
    second.release()
    first.release()


def holder(folder: Path, seconds: float, **who: str) -> None:
    """Leave the sign of life that a host with the same pid gave so many seconds ago."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "research.beat").write_text(json.dumps({**beat._host(), "pid": os.getpid(), **who}))
    then = time.time() - seconds
    os.utime(folder / "research.beat", (then, then))


def test_folder_of_a_living_host_is_left_to_it_although_its_lock_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "default"
    holder(folder, 20, host="elsewhere", boot="another")
    second = claim(folder)
    assert second.path.name == "default-2"
    assert claim_exactly(folder, base=folder) is None
    second.release()
    assert json.loads((folder / "research.beat").read_text())["host"] == "elsewhere"


@pytest.mark.parametrize(
    ("seconds", "who"),
    [
        pytest.param(90, {"host": "elsewhere", "boot": "another"}, id="dead for a minute"),
        pytest.param(1, {}, id="this very host"),
        pytest.param(1, {"boot": "another"}, id="this host, started again"),
        pytest.param(1, {"host": "elsewhere"}, id="another container of this host"),
    ],
)
def test_folder_whose_holder_is_dead_is_taken(tmp_path: Path, seconds: float, who: dict[str, str]) -> None:
    folder = tmp_path / "default"
    holder(folder, seconds, **who)
    held = claim(folder)
    assert held.path == folder
    assert json.loads((folder / "research.beat").read_text())["host"] == beat._host()["host"]
    held.release()
    assert not (folder / "research.beat").exists()


def test_holder_renews_its_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "EVERY", 0.01)
    held = claim(tmp_path / "default")
    path = held.path / "research.beat"
    assert path.stat().st_mode & 0o077 == 0
    os.utime(path, (0, 0))
    until(lambda: path.stat().st_mtime > 0)
    held.release()


def test_neighbours_damaged_file_hides_nothing_of_ones_own(opened: Open, tmp_path: Path) -> None:
    first, second = opened(), opened()
    start(first, "note", "completed", topic="mine")
    second.close()
    (tmp_path / "default-2" / "research.sqlite").write_bytes(b"no database" * 1000)
    assert topics(first) == ["mine"]
    with pytest.raises(SessionNotFound):
        first.get(ME, "0" * 32)
