"""Use SQLite's write-ahead log where the file system allows it, and a rollback journal elsewhere."""

from __future__ import annotations

import mmap
import os
import sqlite3
import tempfile
from pathlib import Path


def shares_memory(folder: Path) -> bool:
    """Tell whether files of a folder can be mapped as memory that is shared, which the log needs.

    Over some networks they cannot. SQLite turns to the log all the same, and every later statement fails.
    """
    if os.name != "posix":
        return True
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(mmap.PAGESIZE)
            return _maps(file.fileno())
    except OSError:
        return True  # Of a full or closed folder SQLite says what is wrong.


def _maps(file: int) -> bool:
    try:
        mmap.mmap(file, mmap.PAGESIZE).close()
    except OSError:
        return False
    return True


def write_ahead(connection: sqlite3.Connection, path: Path) -> bool:
    """Choose the journal of a file, and tell whether it is the log; nothing may have been read before.

    With the log a killed process loses nothing, and a power cut may take the last moments.
    """
    if shares_memory(path.parent):
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    else:
        mode = roll_back(connection)
    connection.execute(f"PRAGMA synchronous={'NORMAL' if mode == 'wal' else 'FULL'}")
    return bool(mode == "wal")


def roll_back(connection: sqlite3.Connection) -> str:
    """Go over to a rollback journal, also where a log was left behind; give the journal's kind."""
    # Who is alone with a file reads its log without shared memory.
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # The lock goes with the next read.
    return str(mode)
