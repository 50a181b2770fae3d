"""Measure what an owner's sessions take, without reading again what was measured before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = "coalesce(sum(length(CAST(body AS BLOB))), 0)"

_KNOWN: Final = """
    SELECT sessions.session_id, number, coalesce(sizes.seq, 0), coalesce(sizes.events, 0),
        coalesce(sizes.report, 0), coalesce((SELECT max(seq) FROM events WHERE session = number), 0)
    FROM sessions LEFT JOIN sizes ON sizes.session = number WHERE owner = ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Hold the bytes of a session's events and report."""

    session_id: str
    number: int
    #: The last event that is counted.
    seq: int
    events: int
    report: int
    #: Whether the file does not say so yet.
    new: bool = False


def measure(connection: sqlite3.Connection, owner: str) -> Iterator[Size]:
    """Measure an owner's sessions; of each only the events that have come since it was kept."""
    for session_id, number, seq, events, report, last in connection.execute(_KNOWN, (owner,)).fetchall():
        name = session_id.decode() if isinstance(session_id, bytes) else session_id
        if last > seq:
            query = f"SELECT {_LENGTH} FROM events WHERE session = ? AND seq > ? AND seq <= ?"
            events += connection.execute(query, (number, seq, last)).fetchone()[0]
            # A report never comes without an event.
            query = f"SELECT {_LENGTH} FROM reports WHERE session = ?"
            (report,) = connection.execute(query, (number,)).fetchone()
        yield Size(session_id=name, number=number, seq=last, events=events, report=report, new=last > seq)


def keep(connection: sqlite3.Connection, size: Size) -> None:
    """Keep a measure; that of a session deleted meanwhile would be taken for another's with its number."""
    connection.execute(
        "INSERT OR REPLACE INTO sizes SELECT number, ?, ?, ? FROM sessions WHERE session_id = ?",
        (size.seq, size.events, size.report, size.session_id),
    )
