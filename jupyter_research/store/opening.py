"""Open a store's file for its writer, and begin a new one where it is damaged."""

from __future__ import annotations

import logging
import sqlite3
import uuid
from pathlib import Path

from .damage import is_damage, look_over, set_aside
from .schema import connect, prepare

log = logging.getLogger(__name__)


def open_file(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open the file and name its life; where it is damaged set it aside and begin a new one."""
    try:
        return _begin(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        aside = set_aside(path)
        log.warning(
            "%s is damaged (%s): it was set aside as %s and a new one begun. Its sessions are not shown any "
            "more; put a backup in its place while no server runs, or see `jupyter research doctor`.",
            *(path, error, aside.name),
        )
        return _begin(path)


def _begin(path: Path) -> tuple[sqlite3.Connection, str]:
    connection = connect(path)
    try:
        prepare(connection, path)
        return connection, _begin_life(connection)
    except BaseException:
        connection.close()
        raise


def _begin_life(connection: sqlite3.Connection) -> str:
    """Name this life of the log: anew after an unclean start, when the end of a log may be gone."""
    facts = dict(connection.execute("SELECT name, value FROM facts"))
    clean = facts.get("clean") == "1"
    if not clean:
        look_over(connection)
    log_id: str = facts.get("log", "") if clean else ""
    log_id = log_id or uuid.uuid4().hex
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('log', ?), ('clean', '0')", (log_id,))
    return log_id
