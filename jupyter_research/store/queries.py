"""Ask a file of sessions what it holds: the server's own, or the one of a server beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from ..events import Snapshot, State, initial
from .row import COLUMNS, SessionRow

#: The bodies of a session's events: its number, the seq before the first, how many at most (-1: all).
EVENTS: Final = "SELECT body FROM events WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?"

_MARKS: Final = "SELECT body FROM events WHERE session = ? AND marks = 1 ORDER BY seq"

_LOG: Final = (
    "SELECT number, (SELECT coalesce(max(seq), 0) FROM events WHERE session = number) "
    "FROM sessions WHERE session_id = ?"
)

_REPORT: Final = "SELECT body FROM reports WHERE session = ?"


def find_row(connection: sqlite3.Connection, session_id: str) -> SessionRow | None:
    """Find a session's row."""
    query = f"SELECT {COLUMNS} FROM sessions WHERE session_id = ?"
    row = connection.execute(query, (session_id,)).fetchone()
    return None if row is None else SessionRow.from_row(row)


def find_log(connection: sqlite3.Connection, session_id: str) -> tuple[int, int] | None:
    """Find a session's number and the seq of its last event, 0 where it has none."""
    found: tuple[int, int] | None = connection.execute(_LOG, (session_id,)).fetchone()
    return found


def find_rows(
    connection: sqlite3.Connection,
    *,
    owner: str | None = None,
    states: Sequence[State] = (),
    key: str | None = None,
    before: int | None = None,
    limit: int = -1,
) -> list[SessionRow]:
    """Find sessions, newest first; what is None or empty leaves none out.

    Args:
        connection: where to look.
        owner: whose.
        states: in one of which states.
        key: with which key.
        before: the row number before which they were begun.
        limit: how many at most; -1 for all.
    """
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (("owner = ?", owner), ("key = ?", key), ("number < ?", before)):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if states:
        conditions.append(f"state IN ({', '.join('?' * len(states))})")
        values.extend(state.value for state in states)
    where = " AND ".join(conditions) or "1"
    query = f"SELECT {COLUMNS} FROM sessions WHERE {where} ORDER BY number DESC LIMIT ?"
    return [SessionRow.from_row(row) for row in connection.execute(query, (*values, limit))]


def count_states(connection: sqlite3.Connection, owner: str | None) -> Iterator[tuple[Any, int]]:
    """Count the sessions by state, those of one owner or all: names as the connection gives texts."""
    where, values = ("", ()) if owner is None else ("WHERE owner = ?", (owner,))
    return connection.execute(f"SELECT state, count(*) FROM sessions {where} GROUP BY state", values)


def last_times(connection: sqlite3.Connection) -> list[tuple[SessionRow, str]]:
    """Give every session that has an event, with the time of its last one."""
    last = "(SELECT body FROM events WHERE session = number ORDER BY seq DESC LIMIT 1) AS last"
    query = f"SELECT {COLUMNS}, {last} FROM sessions WHERE last IS NOT NULL ORDER BY number"
    rows = connection.execute(query).fetchall()
    return [(SessionRow.from_row(row[:-1]), orjson.loads(row[-1])["time"]) for row in rows]


def marks(connection: sqlite3.Connection, number: int) -> list[dict[str, Any]]:
    """Give the events that led a session from state to state."""
    return [orjson.loads(body) for (body,) in connection.execute(_MARKS, (number,))]


def report(connection: sqlite3.Connection, number: int) -> bytes | None:
    """Give a session's stored report as JSON."""
    (body,) = connection.execute(_REPORT, (number,)).fetchone() or (None,)
    return body.encode() if isinstance(body, str) else body


def saved_snapshot(connection: sqlite3.Connection, session_id: str) -> Snapshot:
    """Give the state of a session as it was last written down; the events after it may be more."""
    query = "SELECT snapshot FROM sessions WHERE session_id = ?"
    (saved,) = connection.execute(query, (session_id,)).fetchone() or (None,)
    return initial(session_id) if saved is None else orjson.loads(saved)
