"""File systems on which memory cannot be shared, as over some networks."""

from __future__ import annotations

import errno
import mmap
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Person

from jupyter_research.analysts.running import CHECKPOINTS
from jupyter_research.wal import shares_memory, write_ahead


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to map files as shared memory, as a file system over a network does."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENODEV, "No such device")

    stand_in = SimpleNamespace(mmap=refuse, PAGESIZE=mmap.PAGESIZE)
    monkeypatch.setattr("jupyter_research.wal.mmap", stand_in)


def journals(folder: Path) -> dict[str, str]:
    """Read from each file's own header which journal it is written with."""
    kinds = {1: "rollback", 2: "log"}
    return {path.name: kinds[path.read_bytes()[18]] for path in folder.rglob("*.sqlite")}


def test_local_folder_shares_memory_and_keeps_nothing_of_the_trial(tmp_path: Path) -> None:
    assert shares_memory(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_in_which_nothing_can_be_written_is_left_to_sqlite(tmp_path: Path) -> None:
    assert shares_memory(tmp_path / "absent")


def test_far_folder_gets_a_rollback_journal_that_is_flushed(tmp_path: Path, far: None) -> None:
    assert not shares_memory(tmp_path)
    path = tmp_path / "far.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        assert not write_ahead(connection, path)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        connection.execute("CREATE TABLE words (word TEXT)")
        connection.commit()
        # Nobody is kept out.
        with closing(sqlite3.connect(path, timeout=0)) as another, another:
            another.execute("INSERT INTO words VALUES ('tide')")
        assert connection.execute("SELECT word FROM words").fetchall() == [("tide",)]


def test_log_that_was_left_behind_is_read_where_there_can_be_none(tmp_path: Path, far: None) -> None:
    near, path = tmp_path / "near.sqlite", tmp_path / "far.sqlite"
    with closing(sqlite3.connect(near)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE words (word TEXT)")
        connection.execute("INSERT INTO words VALUES ('tide')")
        connection.commit()
        # As after a kill: what was said last stands in the log alone.
        for suffix in ("", "-wal"):
            shutil.copy(f"{near}{suffix}", f"{path}{suffix}")
    with closing(sqlite3.connect(path)) as connection:
        assert not write_ahead(connection, path)
        assert connection.execute("SELECT word FROM words").fetchall() == [("tide",)]
    assert sorted(file.name for file in tmp_path.glob("far*")) == ["far.sqlite"]


async def test_session_in_a_far_folder_works_to_its_end_without_shared_memory(
    me: Person, far: None, data_dir: Path, jp_root_dir: Path
) -> None:
    (jp_root_dir / "tides.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
    options = {"sources": ["tides.md"], "analysts": 1, "turns": 1}
    started = await me.start("what causes the tides?", researcher="analysts", options=options)
    ended = await me.until(started["session_id"], "completed", "failed")
    assert (ended["state"], ended["report_available"]) == ("completed", True)
    found = journals(data_dir)
    # LangGraph asks for the log itself, and has it alone.
    assert found.pop(CHECKPOINTS) == "log"
    assert len(found) >= 3 and set(found.values()) == {"rollback"}
    assert not list(data_dir.rglob("*-shm"))
