from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from jupyter_research import cli
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.store import Finding, claim, examine
from jupyter_research.work import Caller


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "default"
    runtime = Runtime(Settings(data_dir=folder))
    runtime.open()
    runtime.close()
    return folder


def findings(folder: Path) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(folder)}


def ill(folder: Path) -> set[str]:
    return {finding.what for finding in examine(folder) if finding.advice}


def test_folder_in_good_order_needs_nothing(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    found = findings(folder)
    assert set(found) == {"folder", "lock", "database", "indexes", "sessions", "space"}
    assert not [one for name, one in found.items() if one.advice and name != "space"]
    assert "whole: 0 sessions" in found["database"].text and "free" in found["lock"].text
    assert sorted(folder.rglob("*")) == before


def test_folder_that_is_not_there_yet_is_no_fault(tmp_path: Path) -> None:
    [finding] = examine(tmp_path / "none")
    assert finding.advice is None and "first session" in finding.text
    assert not (tmp_path / "none").exists()


def test_database_of_a_running_server_is_looked_at_too(folder: Path) -> None:
    runtime = Runtime(Settings(data_dir=folder))
    runtime.open()
    runtime.register_function("note", lambda topic: "noted")
    runtime.start(Caller(owner="local"), {"topic": "x", "researcher": "note"})
    assert "whole: 1 session," in findings(folder)["database"].text
    runtime.close()


def test_lock_of_a_running_server_is_seen_and_left(folder: Path) -> None:
    held = claim(folder)
    assert "running server" in findings(folder)["lock"].text
    held.release()
    assert "free" in findings(folder)["lock"].text
    again = claim(folder)
    assert again.path == folder
    again.release()


def test_damage_is_found_with_what_to_do(folder: Path) -> None:
    (folder / "research.sqlite").write_bytes(b"no database" * 1000)
    advice = findings(folder)["database"].advice
    assert advice is not None and "Restart" in advice


def test_file_set_aside_is_named_until_it_is_removed(folder: Path) -> None:
    kept = folder / "research.damaged-20260101T000000Z.sqlite"
    kept.write_bytes(b"x" * 2000)
    found = findings(folder)["set aside"]
    assert kept.name in found.text and "2.0 kB" in found.text and found.advice is not None


def test_file_of_a_newer_version_is_named(folder: Path) -> None:
    connection = sqlite3.connect(folder / "research.sqlite")
    with connection:
        connection.execute("INSERT INTO migrations VALUES ('9999_from_the_future')")
    connection.close()
    assert "database" in ill(folder)


def test_full_disk_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    finding = findings(folder)["space"]
    assert finding.advice is not None and "5.0 MB" in finding.text


def test_folders_of_further_servers_are_looked_at_too(folder: Path) -> None:
    beside = folder.with_name("default-2")
    beside.mkdir()
    assert any(str(beside) in finding.text for finding in examine(folder))


def test_command_prints_findings_and_fails_where_there_is_something_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, 10**12))
    assert cli.main(["doctor", "--data-dir", str(folder)]) == 0
    assert f"folder: {folder} can be written." in capsys.readouterr().out
    (folder / "research.sqlite").write_bytes(os.urandom(10_000))
    assert cli.main(["doctor", "--data-dir", str(folder)]) == 1
    assert "Restart the server" in capsys.readouterr().out
    assert cli.main(["doctor", "--json", "--data-dir", str(folder)]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"what", "text", "advice"} == set(lines[0])


def test_holder_on_another_machine_is_seen(folder: Path) -> None:
    (folder / "research.beat").write_text('{"host": "elsewhere", "boot": "another", "pid": 1}')
    assert "another machine" in findings(folder)["lock"].text


def test_people_are_told_of_a_file_that_was_set_aside(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "research.sqlite").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(folder.parent))
    (folder.parent / "research").mkdir()
    folder.rename(folder.parent / "research" / "default")
    assert cli.main(["list", "--in-process"]) == 0
    said = capsys.readouterr().err
    assert "A damaged file was set aside as research.damaged-" in said and "doctor" in said
    next((folder.parent / "research" / "default").glob("research.damaged-*.sqlite")).unlink()
    assert cli.main(["list", "--in-process"]) == 0
    assert "damaged" not in capsys.readouterr().err


def test_indexes_of_what_runs_without_a_server_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "a.md").write_text("# Kernels\n\nA kernel is a process that runs code.\n")
    assert cli.main(["search", "--source", str(tmp_path / "a.md"), "kernel"]) == 0
    capsys.readouterr()
    cli.main(["doctor"])
    told = [line for line in capsys.readouterr().out.splitlines() if "indexes: " in line]
    assert "0 bytes" in told[0] and "indexes." in told[1] and "0 bytes" not in told[1]
