from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_research.errors import StorageFailed
from jupyter_research.events import Kind, State
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.store import Store
from jupyter_research.store.damage import is_damage, look_over, set_aside
from jupyter_research.work import Caller

ME = Caller(owner="local")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a file with a session of a thousand events."""
    path = tmp_path / "research.sqlite"
    store = Store(path)
    log = store.create("a" * 32, "local", None, {})
    store.append(log, Kind.SESSION_STARTED, State.QUEUED, {}, gate=1)
    for number in range(1000):
        store.update(log, 1, f"update {number} " + "x" * 200, None)
    store.close()
    return path


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("research.damaged-*"))


def overwrite(path: Path, at: int, length: int = 8192) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(length))


def unclean(path: Path) -> None:
    """Make it look as a killed process leaves it."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE facts SET value = '0' WHERE name = 'clean'")
    connection.close()


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING):
        yield caplog


def test_what_is_no_database_is_set_aside_and_a_new_one_begun(
    path: Path, heard: pytest.LogCaptureFixture
) -> None:
    damaged = b"this was a database" * 1000
    path.write_bytes(damaged)
    store = Store(path)
    try:
        assert store.counts() == {}
        [kept] = [one for one in aside(path) if one.suffix == ".sqlite"]
        assert kept.read_bytes() == damaged
        assert kept.name in heard.text and "damaged" in heard.text and "backup" in heard.text
    finally:
        store.close()
    heard.clear()
    Store(path).close()
    assert len(aside(path)) == 1 and heard.text == ""


def test_damage_in_the_middle_is_found_after_a_kill(path: Path, heard: pytest.LogCaptureFixture) -> None:
    unclean(path)
    overwrite(path, path.stat().st_size // 2)
    store = Store(path)
    assert store.counts() == {}
    store.close()
    assert aside(path) and "set aside" in heard.text


def test_damage_met_at_work_is_a_sentence_and_the_next_start_sets_the_file_aside(path: Path) -> None:
    store = Store(path)
    overwrite(path, 4096 * 3, path.stat().st_size - 4096 * 3)
    with pytest.raises(StorageFailed, match="Restart the server"):
        log = store.log("a" * 32)
        assert log is not None
        store.read(log, 0, 10_000)
    store.close()
    again = Store(path)
    assert again.counts() == {} and aside(path)
    again.close()


def test_journal_of_a_damaged_file_goes_with_it(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").write_bytes(b"journal")
    kept = set_aside(path)
    assert Path(f"{kept}-wal").read_bytes() == b"journal"
    assert [one.name for one in path.parent.iterdir() if one.name.startswith("research.sqlite")] == []


def test_file_that_cannot_be_opened_stays_where_it_is(path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageFailed, match="cannot be opened"):
        Store(path)
    assert path.is_dir() and not aside(path)


def test_locked_file_is_not_taken_for_a_damaged_one(path: Path) -> None:
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    other = sqlite3.connect(path, timeout=0.01)
    with pytest.raises(sqlite3.OperationalError) as locked:
        other.execute("BEGIN IMMEDIATE")
    assert not is_damage(locked.value)
    for one in (other, blocker):
        one.close()


def test_look_takes_no_longer_than_it_may(path: Path) -> None:
    connection = sqlite3.connect(path)
    look_over(connection, seconds=0)
    look_over(connection)
    connection.close()


def test_server_over_a_damaged_file_starts_and_works(tmp_path: Path) -> None:
    (tmp_path / "research.sqlite").write_bytes(b"no database" * 100)
    runtime = Runtime(Settings(data_dir=tmp_path))
    runtime.open()
    runtime.register_function("note", lambda topic: "noted")
    snapshot, new = runtime.start(ME, {"topic": "x", "researcher": "note"})
    assert new and runtime.get(ME, snapshot["session_id"])["topic"] == "x"
    runtime.close()
