"""Open the SQLite file of a collection, and make its tables when they are absent or of another version.

The file is a cache of what the documents say: one that cannot be used is made anew.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ..wal import write_ahead

#: Raised whenever tables, parsing or cutting change: what an older one read is read again.
VERSION: Final = 13

_TABLES: Final = ("search", "passages", "files", "documents", "reference_entries", "about")

_SCHEMA: Final = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, title TEXT,
    authors TEXT NOT NULL, year INTEGER, doi TEXT, pages INTEGER, language TEXT, chars INTEGER NOT NULL,
    text, first INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE reference_entries (
    hash TEXT PRIMARY KEY, title TEXT NOT NULL, authors TEXT NOT NULL, year INTEGER, doi TEXT
) WITHOUT ROWID;
CREATE TABLE files (
    path BLOB PRIMARY KEY, name TEXT NOT NULL, stamp TEXT NOT NULL, checked INTEGER NOT NULL,
    hash TEXT, failure TEXT
) WITHOUT ROWID;
CREATE INDEX files_hash ON files (hash);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    page INTEGER, cell INTEGER, heading TEXT, title TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE about (what TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5 (
    title, body, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
"""


class IndexUnusable(Exception):
    """Say why an index that somebody else made cannot be used."""


#: Seconds to wait for another writer: a batch takes one at most.
_PATIENCE: Final = 30.0


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Choose the journal; SQLite itself does not wait where two change it at once."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            write_ahead(connection, path)
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made when it is absent; the connection may be closed from another thread."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Before SQLite makes it: its -wal and -shm files take the mode of this one.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection, path)
        # Fewer checkpoints while a collection is read: each waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA cache_size = -8000")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that nobody writes: it is replaced as a whole, and may lie where nothing can be written.

    Raises:
        IndexUnusable: when it is no index, or one of another version.
    """
    address = f"file:{quote(os.fspath(path))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        try:
            _refuse_others(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        raise IndexUnusable(f"{path} cannot be opened as an index: {error}.") from error
    return connection


def _refuse_others(connection: sqlite3.Connection, path: Path) -> None:
    """Go on only with an index of this version, and run nothing that its schema says."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise IndexUnusable(f"{path} was built by another version of jupyter_research.")
    connection.execute("PRAGMA trusted_schema = OFF")


def copy(read: sqlite3.Connection, target: Path) -> None:
    """Copy an index as it is at this moment; a target that has come meanwhile stays."""
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with closing(connect(temporary)) as write:
            still(write)
            read.backup(write)
        with suppress(FileExistsError):
            # Whoever has made it meanwhile has it open.
            os.link(temporary, target)
    finally:
        remove(temporary)


def still(connection: sqlite3.Connection) -> bool:
    """Give up the write-ahead log, so that the file alone is the index; False while others use it."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        return False
    return bool(mode == "delete")


def is_broken(error: sqlite3.DatabaseError) -> bool:
    """Tell a damaged file from one that is busy, or on a full disk."""
    return any(words in str(error) for words in ("malformed", "not a database"))


def remove(path: Path) -> None:
    """Take the file and its companions away."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _migrate(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another may have done it while this one waited.
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            for table in _TABLES:
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
