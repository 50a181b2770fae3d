"""Examine a data folder from outside, and say what to do about what is found."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from .beat import held_elsewhere
from .damage import ASIDE
from .folder import MAX_SIBLINGS
from .schema import MIGRATIONS

#: With less than this left on the disk, sessions may soon fail.
_LITTLE_SPACE: Final = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Hold one thing that was looked at."""

    #: What was looked at: folder, lock, database, indexes, sessions, space, set aside.
    what: str
    text: str
    #: What to do; None where all is well.
    advice: str | None = None


def examine(path: Path, indexes: Path | None = None) -> Iterator[Finding]:
    """Look at a data folder, and at those that further servers have taken beside it.

    Removes and repairs nothing, and may be done while a server works there.

    Args:
        path: the data folder.
        indexes: where else indexes lie, for what runs without a server.
    """
    yield from _examine(path)
    for number in range(2, MAX_SIBLINGS + 1):
        beside = path.with_name(f"{path.name}-{number}")
        if beside.is_dir():
            yield from _examine(beside)
    if indexes is not None and indexes.is_dir():
        yield _sized("indexes", indexes)


def _examine(path: Path) -> Iterator[Finding]:
    if not path.is_dir():
        yield Finding(what="folder", text=f"{path} does not exist yet: the first session makes it.")
        return
    yield _folder(path)
    yield _lock(path)
    if (path / "research.sqlite").exists():
        yield _database(path / "research.sqlite")
    for name in ("indexes", "sessions"):
        yield _sized(name, path / name)
    yield from _set_aside(path)
    yield _space(path)


def _folder(path: Path) -> Finding:
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        advice = "Make it writable for you, or set ResearchApp.data_dir to a folder that is."
        return Finding(what="folder", text=f"{path} cannot be written.", advice=advice)
    return Finding(what="folder", text=f"{path} can be written.")


def _lock(path: Path) -> Finding:
    if not (path / "research.lock").exists():
        return Finding(what="lock", text="No server has used it yet.")
    lock = FileLock(path / "research.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return Finding(what="lock", text="A running server or kernel holds it.")
    except OSError as error:
        advice = "Put the data folder on a file system with locks: set ResearchApp.data_dir."
        return Finding(what="lock", text=f"It cannot be locked: {error}.", advice=advice)
    elsewhere = held_elsewhere(path, path / "research.lock")
    lock.release()
    if elsewhere:
        return Finding(what="lock", text="A running server of another machine holds it.")
    return Finding(what="lock", text="It is free: no server uses it now.")


def _database(path: Path) -> Finding:
    # Without a journal nobody writes, and SQLite need not leave files of its own beside it.
    manner = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{manner}", uri=True, timeout=5)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            applied = {name for (name,) in connection.execute("SELECT name FROM migrations")}
            (sessions,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    except sqlite3.Error as error:
        found, applied, sessions = str(error), set(), 0
    if found != "ok":
        return Finding(
            what="database",
            text=f"{path} cannot be read whole: {found}.",
            advice="Restart the server, which sets a damaged file aside and begins a new one; or stop it and "
            "put a backup in its place.",
        )
    if applied - {name for name, _ in MIGRATIONS}:
        advice = "Upgrade jupyter_research, or set another ResearchApp.data_dir."
        return Finding(what="database", text=f"{path} was written by a newer version.", advice=advice)
    noun = "session" if sessions == 1 else "sessions"
    return Finding(what="database", text=f"{path} is whole: {sessions} {noun}, {_size(path)}.")


def _sized(what: str, path: Path) -> Finding:
    return Finding(what=what, text=f"{path}: {_size(path)}.")


def _set_aside(path: Path) -> Iterator[Finding]:
    for kept in sorted(path.glob(ASIDE.format("*"))):
        yield Finding(
            what="set aside",
            text=f"{kept} was damaged and set aside: {_size(kept)}.",
            advice="What is still whole in it can be had with `sqlite3 FILE .recover`; remove it when you "
            "need nothing of it.",
        )


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    text = f"{_bytes(free)} are free on the disk."
    if free < _LITTLE_SPACE:
        return Finding(what="space", text=text, advice="Free some, or delete sessions that nobody needs.")
    return Finding(what="space", text=text)


def _size(path: Path) -> str:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return _bytes(sum(one.stat().st_size for one in files))


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
