from __future__ import annotations

import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.context import request_approval, send_status_update
from jupyter_research.errors import StorageFailed
from jupyter_research.events import Kind, State, initial, reduce_all
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.store import Store, schema
from jupyter_research.work import Caller

ME = Caller(owner="local")
FIXTURES = Path(__file__).parent / "fixtures"


def released() -> list[str]:
    """Give the versions that the changelog names."""
    text = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.findall(r"(?m)^## \[(\d[^\]]*)\]", text)


def test_there_is_a_file_of_every_release() -> None:
    assert released()
    assert {f"research-{version}.sqlite" for version in released()} <= {p.name for p in FIXTURES.iterdir()}


@pytest.fixture(params=released())
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """Open a file that a release left behind when it was killed."""
    (tmp_path / "data").mkdir()
    shutil.copy(FIXTURES / f"research-{request.param}.sqlite", tmp_path / "data" / "research.sqlite")
    runtime = Runtime(Settings(data_dir=tmp_path / "data"))
    runtime.open()
    runtime.register_function("asks", lambda topic: str(request_approval("So?", {"sections": ["a"]})))
    runtime.register_function("slow", lambda topic: send_status_update("Done.") or "done")
    yield runtime
    runtime.close()


def test_sessions_of_every_release_go_on(old: Runtime) -> None:
    found = {one["topic"]: one for one in old.list(ME)[0]}
    assert {topic: one["state"] for topic, one in found.items()} == {
        "done": "completed",
        "waits": "awaiting_approval",
        "works": "interrupted",
    }
    assert "moon" in old.export(ME, found["done"]["session_id"], "markdown")[0].decode()
    for one in found.values():
        events, last = old.events(ME, one["session_id"], limit=1000)
        whole = reduce_all(initial(one["session_id"]), [json.loads(body) for body in events])
        assert whole == {name: value for name, value in one.items() if name != "viewers"}
        assert last == one["last_seq"]
    waits, works = found["waits"]["session_id"], found["works"]["session_id"]
    old.approve(ME, waits, {"version": 1})
    old.resume(ME, works)
    for session_id in (waits, works):
        _, seq = old.events(ME, session_id)
        while old.get(ME, session_id)["state"] not in ("completed", "failed"):
            old.wait(ME, session_id, after=seq, timeout=5)
            _, seq = old.events(ME, session_id)
        assert old.get(ME, session_id)["state"] == "completed"


def test_files_of_every_release_get_the_newest_form(old: Runtime) -> None:
    with closing(sqlite3.connect(old.settings.data_dir / "research.sqlite")) as connection:
        applied = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
        assert applied == [name for name, _ in schema.MIGRATIONS]
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_file_of_a_newer_version_stays_as_it_is_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "research.sqlite"
    shutil.copy(FIXTURES / f"research-{released()[-1]}.sqlite", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("INSERT INTO migrations VALUES ('9999_of_the_future')")
    before = path.read_bytes()
    with pytest.raises(StorageFailed, match="newer jupyter_research: upgrade"):
        Store(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["research.sqlite"]


@pytest.fixture
def without_wal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite lock as it does where memory cannot be shared: there it refuses WAL."""
    plain = sqlite3.connect

    def connect(path: Any, **options: Any) -> sqlite3.Connection:
        return plain(f"{Path(path).as_uri()}?vfs=unix-dotfile", uri=True, **options)

    monkeypatch.setattr(schema.sqlite3, "connect", connect)


def test_without_wal_there_is_a_rollback_journal_one_warning_and_nothing_lost(
    tmp_path: Path, without_wal: None, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    with caplog.at_level(logging.WARNING):
        store = Store(tmp_path / "research.sqlite", on_commit=lambda logs: seen.extend(x.last for x in logs))
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        log = store.create("a" * 32, "local", None, {})
        store.append(log, Kind.WORK_STARTED, State.RESEARCHING, {"attempt": 1}, gate=1).result(30)
        for number in range(600):
            assert store.update(log, 1, f"update {number}", None)
            if number % 100 == 0:
                store.flush().result(30)
                assert store.row("a" * 32) is not None
        for _ in range(2):  # Who waits is told before all others are: the second comes after that.
            store.flush().result(30)
        assert len(store.read(log, 0, 10_000)) == 601 == max(seen)
        store.close()
    warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1 and "without WAL" in warnings[0]
    again = Store(tmp_path / "research.sqlite")
    try:
        found = again.log("a" * 32)
        assert found is not None and found.last == 601
    finally:
        again.close()
