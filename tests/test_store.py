from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from jupyter_research.errors import StorageFailed
from jupyter_research.events import MAX_UPDATE_BYTES, Kind, State
from jupyter_research.store import SessionLog, Store, claim
from jupyter_research.store.log import MAX_WAITING, MAX_WAITING_BYTES, TAIL_BYTES
from jupyter_research.store.writer import Entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "research.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def begin(store: Store, owner: str = "local", gate: int = 1) -> SessionLog:
    log = store.create(uuid.uuid4().hex, owner, None, {})
    detail = {"topic": "t", "researcher": "r", "options": {}, "owner": owner, "notebook": None, "attempt": 1}
    store.append(log, Kind.SESSION_STARTED, State.QUEUED, detail)
    store.append(log, Kind.WORK_STARTED, State.RESEARCHING, {"attempt": 1}, gate=gate)
    return log


def events(store: Store, log: SessionLog, after: int = 0) -> list[dict[str, Any]]:
    store.flush().result(30)
    return [orjson.loads(body) for body in store.read(log, after, 1_000_000)]


def last_update(store: Store, log: SessionLog) -> dict[str, Any]:
    return events(store, log)[-1]


def test_seq_has_no_holes_and_an_append_is_answered_after_its_commit(store: Store):
    log = begin(store)
    for number in range(1000):
        assert store.update(log, 1, f"step {number}", {"done": number, "total": 1000})
    body = store.append(log, Kind.RESEARCH_PAUSED, State.PAUSED, {"reason": "asked for"}, gate=0).result(30)
    assert orjson.loads(body)["seq"] == 1003
    assert [event["seq"] for event in events(store, log)] == list(range(1, 1004))
    with closing(sqlite3.connect(store.path)) as other:
        assert other.execute("SELECT count(*) FROM events").fetchone() == (1003,)


def test_many_threads_of_many_sessions_lose_nothing_and_mix_nothing(store: Store):
    logs = [begin(store) for _ in range(8)]

    def send(log: SessionLog, thread: int) -> None:
        for number in range(300):
            assert store.update(log, 1, None, {"from": log.session_id, "thread": thread, "number": number})

    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(send, log, thread) for log in logs for thread in range(2)]:
            future.result()
    for log in logs:
        updates = [event for event in events(store, log) if event["kind"] == "status_update"]
        assert {event["detail"]["from"] for event in updates} == {log.session_id}
        for thread in range(2):
            numbers = [event["detail"]["number"] for event in updates if event["detail"]["thread"] == thread]
            assert numbers == list(range(300))


def test_what_is_seen_is_already_in_the_file(path: Path):
    seen: list[tuple[int, int]] = []

    def on_commit(logs: Any) -> None:
        with closing(sqlite3.connect(path)) as other:
            for log in logs:
                count = other.execute(
                    "SELECT count(*) FROM events WHERE session = ?", (log.number,)
                ).fetchone()[0]
                seen.append((log.last, count))

    store = Store(path, on_commit=on_commit)
    log = begin(store)
    for number in range(50):
        store.update(log, 1, str(number), None)
    store.close()
    assert seen and all(last <= count for last, count in seen)


def test_updates_after_the_gate_has_closed_are_dropped_and_counted(store: Store):
    log = begin(store)
    store.update(log, 1, "in time", None)
    store.append(log, Kind.RESEARCH_CANCELLED, State.CANCELLED, {}, gate=0)
    assert not store.update(log, 1, "too late", None)
    assert log.dropped == 1
    assert [event["kind"] for event in events(store, log)][-2:] == ["status_update", "research_cancelled"]


def block(store: Store) -> sqlite3.Connection:
    """Let the writer wait for a connection, however long that takes."""
    store._connection.execute("PRAGMA busy_timeout=200000")
    blocker = sqlite3.connect(store.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    return blocker


def test_a_session_that_fills_its_share_waits_by_itself_and_no_other_does(store: Store):
    log, other = begin(store), begin(store)
    store.flush().result(30)
    blocker = block(store)
    sent = 0

    def flood() -> None:
        nonlocal sent
        for number in range(MAX_WAITING + 500):
            store.update(log, 1, str(number), None)
            sent = number + 1

    sender = threading.Thread(target=flood)
    sender.start()
    deadline = time.monotonic() + 90
    while sent < MAX_WAITING and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.update(other, 1, "not held up", None)  # Else it would wait for what follows.
    assert sent <= MAX_WAITING
    while store.held == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (store.held, store.backlog) == (1, MAX_WAITING + 1)
    blocker.execute("ROLLBACK")
    blocker.close()
    sender.join(90)
    assert sent == MAX_WAITING + 500
    assert store.held == 0
    assert len(events(store, log)) == MAX_WAITING + 502


def test_large_updates_fill_the_share_of_their_session_sooner_and_memory_keeps_fewer(store: Store):
    log, size, count = begin(store), 60_000, 1000
    store.flush().result(30)
    blocker = block(store)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(lambda: [store.update(log, 1, None, {"text": "x" * size}) for _ in range(count)])
        deadline = time.monotonic() + 60
        while store.held == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        # What waits for the writer, and what it had taken: as much twice, however the two took turns.
        assert store.held == 1
        assert log.waiting * size < 4 * MAX_WAITING_BYTES < count * size
        blocker.close()
        assert all(sent.result(60))
    assert [event["seq"] for event in events(store, log)] == list(range(1, count + 3))
    assert sum(map(len, log.tail)) <= TAIL_BYTES
    assert len(log.tail) > 1


def test_a_thread_that_may_not_wait_never_does(path: Path):
    store = Store(path, may_wait=lambda: False)
    log = begin(store)
    store.flush().result(30)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for number in range(MAX_WAITING + 10):
        assert store.update(log, 1, str(number), None)
    blocker.close()
    assert len(events(store, log)) == MAX_WAITING + 12
    store.close()


@pytest.mark.parametrize(
    "status",
    [
        {"value": float("nan")},
        {"value": object()},
        {"value": "\ud800"},
        {"\ud800": 1},
        {1: 2},
        {"value": 2**70},
        {"value": {1, 2}},
        {"value": b"bytes"},
        "not a dict",
        [1, 2],
        42,
    ],
)
def test_a_malformed_status_is_recorded_in_a_safe_form_with_a_note(store: Store, status: Any):
    log = begin(store)
    assert store.update(log, 1, "hello", status)
    event = last_update(store, log)
    assert event["kind"] == "status_update" and event["message"] == "hello"
    assert event["detail"]["notes"]


def test_a_status_that_raises_or_contains_itself_is_recorded_too(store: Store):
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError

    log = begin(store)
    circle: dict[str, Any] = {}
    circle["circle"] = circle
    for status in ({"value": Hostile()}, circle):
        assert store.update(log, 1, "hello", status)
        assert last_update(store, log)["detail"]["notes"]
    assert store.update(log, 1, Hostile(), None)
    assert last_update(store, log)["message"] == "<Hostile>"


def test_an_update_beyond_64_kib_is_cut_and_says_so(store: Store):
    log = begin(store)
    store.update(
        log, 1, "m" * 5_000_000, {"step": "X", "done": 1, "total": 2, "analyst": "a", "text": "x" * 5_000_000}
    )
    event = last_update(store, log)
    assert len(orjson.dumps(event)) <= MAX_UPDATE_BYTES
    assert (event["step"], event["done"], event["total"], event["detail"]["analyst"]) == ("X", 1, 2, "a")
    assert "was cut" in event["detail"]["notes"][0]


def test_reserved_fields_of_a_status_are_ignored_and_detail_is_merged_over_the_rest(store: Store):
    log = begin(store)
    status = {
        "session_id": "other", "seq": 7, "time": "then", "kind": "research_failed", "state": "failed",
        "message": "loses", "step": "X", "step_number": 3, "done": "much", "a": 1, "b": 2, "detail": {"b": 3},
    }  # fmt: skip
    store.update(log, 1, "wins", status)
    event = last_update(store, log)
    assert (event["session_id"], event["kind"], event["message"]) == (log.session_id, "status_update", "wins")
    assert (event["step"], event["step_number"], event["done"]) == ("X", 3, None)
    assert event["detail"] == {"a": 1, "b": 3, "done": "much"}


def test_the_snapshot_is_the_same_from_memory_from_disk_and_from_a_saved_one(path: Path):
    store = Store(path)
    log = begin(store)
    for number in range(600):
        store.update(log, 1, str(number), {"done": number, "total": 600})
    store.flush().result(30)
    first = store.snapshot(log)
    store.save_snapshot(log)
    store.update(log, 1, "one more", None)
    store.flush().result(30)
    second = store.snapshot(log)
    store.close()
    again = Store(path)
    found = again.log(log.session_id)
    assert found is not None
    assert again.snapshot(found) == second
    assert {**second, "last_seq": 0, "message": 0, "updated": 0} == {
        **first,
        "last_seq": 0,
        "message": 0,
        "updated": 0,
    }
    again.close()


def test_a_clean_start_keeps_the_name_of_the_log_and_an_unclean_one_does_not(path: Path):
    first = Store(path)
    name = first.log_id
    first.close()
    second = Store(path)
    assert second.log_id == name
    second._writer.stop(5)  # Ends without the mark of a clean end, as a killed process does.
    third = Store(path)
    assert third.log_id != name
    third.close()
    second.close()


def test_a_file_of_a_newer_version_is_refused_unharmed(path: Path):
    Store(path).close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO migrations VALUES ('9999_from_the_future')")
    before = path.read_bytes()
    with pytest.raises(StorageFailed, match="newer jupyter_research"):
        Store(path)
    assert path.read_bytes() == before


def test_only_its_owner_may_read_the_file(store: Store):
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_locked_file_fails_its_session_with_a_sentence_and_what_was_committed_stays(
    path: Path, monkeypatch: Any
):
    failed: list[str] = []
    store = Store(path, on_failure=lambda logs, sentence: failed.extend(log.session_id for log in logs))
    log = begin(store)
    store.flush().result(30)
    store._connection.execute("PRAGMA busy_timeout=50")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    future = store.append(log, Kind.RESEARCH_PAUSED, State.PAUSED, {})
    with pytest.raises(StorageFailed, match="research.sqlite could not be written"):
        future.result(30)
    assert not store.update(log, 1, "dropped", None)
    blocker.execute("ROLLBACK")
    blocker.close()
    other = begin(store)
    assert len(events(store, other)) == 2
    assert len(events(store, log)) == 2
    assert failed == [log.session_id]
    store.close()


def test_a_full_disk_fails_its_session_and_the_store_goes_on_when_there_is_room(path: Path):
    store = Store(path)
    log = begin(store)
    store.flush().result(30)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count={pages + 4}")
    for _ in range(64):
        store.update(log, 1, "x" * 4000, None)
    store.flush()
    deadline = time.monotonic() + 90
    while log.broken is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.broken is not None and "full. Free space there" in log.broken
    store._connection.execute("PRAGMA max_page_count=1000000")
    assert len(events(store, begin(store))) == 2
    store.close()


def test_pages_of_sessions_come_newest_first_and_only_ones_own(store: Store):
    mine = [begin(store, "alice") for _ in range(5)]
    begin(store, "bob")
    store.flush().result(30)
    first = store.rows(owner="alice", limit=3)
    assert [row.session_id for row in first] == [log.session_id for log in reversed(mine[2:])]
    rest = store.rows(owner="alice", before=first[-1].number)
    assert [row.session_id for row in rest] == [log.session_id for log in reversed(mine[:2])]
    assert store.counts("alice") == {"researching": 5}


def test_a_deleted_session_is_gone_with_its_events(store: Store):
    log = begin(store)
    store.delete(log).result(30)
    assert store.log(log.session_id) is None and store.row(log.session_id) is None
    assert not store.update(log, 1, "too late", None)


def test_a_session_is_gone_from_the_moment_it_is_deleted(store: Store):
    log, gate = begin(store), threading.Event()
    store._writer.put(Entry(action=lambda connection: gate.wait(60)))  # The writer is behind.
    store.append(log, Kind.RESEARCH_CANCELLED, State.CANCELLED, {})
    deleted = store.delete(log)
    assert store.log(log.session_id) is None  # Its rows are still there.
    gate.set()
    deleted.result(60)
    assert store.log(log.session_id) is None and store.row(log.session_id) is None


def test_a_folder_has_one_writer_and_a_second_server_takes_the_next(tmp_path: Path):
    first = claim(tmp_path / "default")
    second = claim(tmp_path / "default")
    assert (first.path.name, second.path.name) == ("default", "default-2")
    first.release()
    third = claim(tmp_path / "default")
    assert third.path.name == "default"
    second.release()
    third.release()


KILLED = """
import sys, uuid
from pathlib import Path
from jupyter_research.events import Kind, State
from jupyter_research.store import Store

def on_commit(logs):
    for log in logs:
        print(log.session_id, log.last, flush=True)

store = Store(Path(sys.argv[1]), on_commit=on_commit)
logs = [store.create(uuid.uuid4().hex, "local", None, {}) for _ in range(3)]
for log in logs:
    store.append(log, Kind.WORK_STARTED, State.RESEARCHING, {"attempt": 1}, gate=1).result()
number = 0
while True:
    number += 1
    for log in logs:
        store.update(log, 1, None, {"number": number})
"""


@pytest.mark.slow
def test_after_kill_9_at_any_moment_the_log_is_a_prefix_and_holds_all_that_was_seen(tmp_path: Path):
    for trial in range(20):
        path = tmp_path / f"{trial}.sqlite"
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        seen: dict[str, int] = {}
        for _ in range(3 + 7 * trial):  # A different moment in each trial.
            session_id, last = child.stdout.readline().split()
            seen[session_id] = int(last)
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout.read().splitlines():
            if len(line.split()) == 2 and line.split()[1]:
                session_id, last = line.split()
                seen[session_id] = max(int(last), seen.get(session_id, 0))
        child.stdout.close()
        child.wait()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store = Store(path)
        for session_id, last in seen.items():
            log = store.log(session_id)
            assert log is not None and log.last >= last
            kept = events(store, log)
            assert [event["seq"] for event in kept] == list(range(1, log.last + 1))
            assert [event["detail"]["number"] for event in kept[1:]] == list(range(1, log.last))
        store.close()


def test_the_journal_is_brought_into_the_file_while_updates_are_written(store: Store, path: Path):
    logs = [begin(store) for _ in range(20)]
    journal = path.with_name(path.name + "-wal")
    rounds, end = 0, time.monotonic() + 60
    while path.stat().st_size < 2_000_000 and time.monotonic() < end:
        # Enough is enough: on a busy machine the journal is emptied later, while a few updates go on.
        enough = journal.stat().st_size > 45_000_000
        for log in logs[:1] if enough else logs:
            store.update(log, 1, "m" if enough else "m" * 1000, {"round": rounds})
        rounds += 1
        store.flush().result(30)
        time.sleep(0.05 if enough else 0)
    # By itself SQLite would let 120 MB gather: far more than was written here.
    assert path.stat().st_size >= 2_000_000
    assert journal.stat().st_size < 100_000_000
    assert [event["seq"] for event in events(store, logs[0])] == list(range(1, rounds + 3))
