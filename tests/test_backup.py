from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_research import cli
from jupyter_research.context import send_status_update
from jupyter_research.errors import InvalidRequest, StorageFailed
from jupyter_research.runtime import Runtime, Settings, back_up
from jupyter_research.store import backup
from jupyter_research.work import Caller

ME = Caller(owner="local")


def chatty(stop: threading.Event) -> None:
    number = 0
    while not stop.wait(0.001):
        number += 1
        send_status_update(f"update {number} " + "x" * 500)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_copy_made_while_a_session_writes_fits_together_and_can_be_gone_on_with(
    folder: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    runtime = Runtime(Settings(data_dir=folder))
    runtime.open()
    runtime.register_function("chatty", lambda topic: chatty(stop) or "done")
    runtime.register_function("note", lambda topic: f"# Noted\n\n{topic}")
    done = runtime.start(ME, {"topic": "tides", "researcher": "note"})[0]["session_id"]
    works = runtime.start(ME, {"topic": "x", "researcher": "chatty"})[0]["session_id"]
    while runtime.get(ME, done)["state"] != "completed" or runtime.events(ME, works)[1] < 500:
        runtime.wait(ME, works, after=runtime.events(ME, works)[1], timeout=1)
    own = folder / "sessions" / done / "texts"
    own.mkdir()
    (own / "a.txt").write_text("a text")
    with closing(sqlite3.connect(folder / "sessions" / done / "ledger.sqlite")) as ledger:
        ledger.execute("PRAGMA journal_mode=WAL")
        ledger.execute("CREATE TABLE calls (answer TEXT)")
        ledger.execute("INSERT INTO calls VALUES ('forty-two')")
        ledger.commit()
        assert back_up(folder, tmp_path / "copy") == 2  # With what is still in the ledger's journal.
    before = runtime.events(ME, works)[1]
    runtime.wait(ME, works, after=before, timeout=30)
    assert runtime.events(ME, works)[1] > before
    stop.set()
    runtime.close()

    copy = Runtime(Settings(data_dir=tmp_path / "copy"))
    copy.open()
    try:
        assert "tides" in copy.export(ME, done, "markdown")[0].decode()
        snapshot = copy.get(ME, works)
        assert snapshot["state"] == "interrupted" and snapshot["last_seq"] >= 500
        bodies, last = copy.events(ME, works, limit=100_000)
        assert [json.loads(body)["seq"] for body in bodies] == list(range(1, last + 1))
    finally:
        copy.close()
    assert (tmp_path / "copy" / "sessions" / done / "texts" / "a.txt").read_text() == "a text"
    with closing(sqlite3.connect(tmp_path / "copy" / "sessions" / done / "ledger.sqlite")) as ledger:
        assert ledger.execute("SELECT answer FROM calls").fetchall() == [("forty-two",)]
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_command_makes_the_copy_and_says_what_it_holds(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = Runtime(Settings(data_dir=folder))
    runtime.open()
    runtime.close()
    copy = tmp_path / "copies" / "monday"
    assert cli.main(["backup", "--data-dir", str(folder), str(copy)]) == 0
    assert "monday: 0 sessions" in capsys.readouterr().out
    assert cli.main(["backup", "--data-dir", str(folder), str(copy)]) != 0
    assert "there already" in capsys.readouterr().err


def test_nothing_to_copy_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="holds no sessions"):
        back_up(folder, tmp_path / "copy")


def test_copy_that_fails_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "research.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageFailed, match="could not be made"):
        back_up(folder, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_session_that_is_deleted_while_it_is_copied_is_left_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(Settings(data_dir=folder))
    runtime.open()
    runtime.close()
    own = folder / "sessions" / "gone"
    own.mkdir(parents=True)
    with closing(sqlite3.connect(own / "ledger.sqlite")) as ledger:
        ledger.execute("CREATE TABLE calls (answer TEXT)")
    copy_file = backup._copy_file

    def delete_first(source: Path, target: Path) -> None:
        if source.name == "ledger.sqlite":
            source.unlink()
        copy_file(source, target)

    monkeypatch.setattr(backup, "_copy_file", delete_first)
    assert back_up(folder, tmp_path / "copy") == 0
    assert not (tmp_path / "copy" / "sessions" / "gone" / "ledger.sqlite").exists()
