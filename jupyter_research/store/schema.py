"""Bring a store's file to the newest schema, each step recorded in its own transaction."""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import Final

from ..errors import StorageFailed
from ..wal import roll_back, shares_memory, write_ahead

log = logging.getLogger(__name__)

#: SQLite's number for the kind of `auto_vacuum` that is done when it is asked for.
_INCREMENTAL: Final = 2

#: Applied in order, never changed once released.
MIGRATIONS: Final[tuple[tuple[str, str], ...]] = (
    (
        "0001_sessions_and_events",
        """
        CREATE TABLE sessions (
            number INTEGER PRIMARY KEY,
            session_id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            state TEXT NOT NULL,
            key TEXT,
            record TEXT NOT NULL,
            snapshot TEXT,
            snapshot_seq INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX sessions_by_owner ON sessions (owner, number);
        CREATE INDEX sessions_by_key ON sessions (owner, key) WHERE key IS NOT NULL;
        CREATE TABLE events (
            session INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            marks INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (session, seq)
        ) WITHOUT ROWID;
        CREATE INDEX events_that_mark ON events (session, seq) WHERE marks = 1;
        CREATE TABLE reports (session INTEGER PRIMARY KEY, body TEXT NOT NULL);
        CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
        """,
    ),
    # A start looks for what was left at work, and each scrape of the metrics counts.
    ("0002_sessions_by_state", "CREATE INDEX sessions_by_state ON sessions (state);"),
    # What was measured of a session: up to which event, and the bytes of these and of the report.
    (
        "0003_sizes",
        """
        CREATE TABLE sizes (
            session INTEGER PRIMARY KEY,
            seq INTEGER NOT NULL,
            events INTEGER NOT NULL,
            report INTEGER NOT NULL
        );
        """,
    ),
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, readable by its owner alone, for use by one thread at a time."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Choose the journal and migrate.

    Raises:
        StorageFailed: when a newer version of this package has written the file; it stays as it is.
    """
    if not shares_memory(path.parent):
        roll_back(connection)
    _refuse_newer(connection, path)
    _let_shrink(connection)
    if not write_ahead(connection, path):
        log.warning("%s lies on a file system without WAL: a rollback journal is used.", path)
    migrate(connection, path)


def _refuse_newer(connection: sqlite3.Connection, path: Path) -> set[str]:
    tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchall()
    applied = {name for (name,) in connection.execute("SELECT name FROM migrations")} if tables else set()
    if applied - {name for name, _ in MIGRATIONS}:
        raise StorageFailed(
            f"{path} was written by a newer jupyter_research: upgrade this one, or set another data_dir."
        )
    return applied


def _let_shrink(connection: sqlite3.Connection) -> None:
    """Let the file be made smaller page by page; one that cannot be is written anew, once."""
    (kind,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    if kind != _INCREMENTAL:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
        if pages:
            connection.execute("VACUUM")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply what is missing.

    Raises:
        StorageFailed: when a newer version of this package has written the file.
    """
    applied = _refuse_newer(connection, path)
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
    for name, script in MIGRATIONS:
        if name not in applied:
            connection.executescript(f"BEGIN; {script} INSERT INTO migrations VALUES ('{name}'); COMMIT;")
