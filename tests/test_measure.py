from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_store import begin, events

from jupyter_research.events import Kind, State
from jupyter_research.store import SessionLog, Store
from jupyter_research.store.readers import KEPT


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "research.sqlite")
    yield store
    store.close()


def taken(store: Store, log: SessionLog) -> int:
    return sum(len(body) for body in store.read(log, 0, 1_000_000))


def test_a_session_is_as_large_as_its_events_and_its_report(store: Store):
    log, other = begin(store, "alice"), begin(store, "bob")
    store.update(log, 1, "a long way – " * 100, None)
    events(store, log)
    assert store.sizes("alice") == {log.session_id: taken(store, log)}
    detail = {"report_available": True, "limitations": []}
    report = '{"title":"ä"}'.encode()
    store.append(log, Kind.RESEARCH_COMPLETED, State.COMPLETED, detail, gate=0, report=report).result(30)
    assert store.sizes("alice") == {log.session_id: taken(store, log) + len(report)}
    assert store.sizes("bob") == {other.session_id: taken(store, other)}


def test_what_was_measured_is_not_read_again_not_even_after_a_restart(tmp_path: Path):
    path = tmp_path / "research.sqlite"
    store = Store(path)
    log = begin(store)
    events(store, log)
    before = store.sizes("local")[log.session_id]
    store.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM events WHERE seq = 1")  # Who reads it again misses it.
    store = Store(path)
    try:
        assert store.sizes("local") == {log.session_id: before}
        again = store.log(log.session_id)
        assert again is not None
        body = store.append(again, Kind.RESEARCH_PAUSED, State.PAUSED, {"reason": "asked for"}).result(30)
        assert store.sizes("local") == {log.session_id: before + len(body)}
    finally:
        store.close()


def test_the_measure_of_a_session_goes_with_it(store: Store):
    log = begin(store)
    events(store, log)
    assert store.sizes("local")
    store.delete(log).result(30)
    assert store.sizes("local") == {}
    with closing(sqlite3.connect(store.path)) as file:
        assert file.execute("SELECT count(*) FROM sizes").fetchone() == (0,)


def test_a_crowd_of_readers_leaves_few_connections_open(store: Store):
    log = begin(store)
    events(store, log)
    together = threading.Barrier(3 * KEPT)

    def read() -> None:
        with store._readers.one() as connection:
            together.wait(30)
            assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)

    threads = [threading.Thread(target=read) for _ in range(3 * KEPT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not together.broken
    assert store._readers._free.qsize() == KEPT
