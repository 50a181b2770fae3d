"""Read the sessions of other servers that share a home; nothing of theirs is ever written."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from ..events import Snapshot, State, initial, reduce
from .folder import Folder
from .row import COLUMNS, SessionRow

log = logging.getLogger(__name__)

#: Beyond every row's number.
ENDLESS: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Hold a session that another server writes."""

    folder: Path
    row: SessionRow

    @property
    def session_folder(self) -> Path:
        """Name the session's own folder."""
        return self.folder / "sessions" / self.row.session_id


class Neighbours:
    """Find and read what lies in the folders beside one's own. Each question opens them anew."""

    def __init__(self, folder: Folder | None) -> None:
        self._folder = folder

    def find(self, owner: str, session_id: str) -> Foreign | None:
        """Find a session of this owner."""
        query = f"SELECT {COLUMNS} FROM sessions WHERE session_id = ? AND owner = ?"
        for _, folder in self._folders():
            for row in _rows(folder, query, (session_id, owner)):
                return Foreign(folder=folder, row=SessionRow.from_row(row))
        return None

    def pages(
        self, owner: str, states: Sequence[State], before: Mapping[int, int], limit: int
    ) -> dict[int, list[Foreign]]:
        """Give a page of each neighbour's sessions, newest first, by the neighbour's number.

        Args:
            owner: whose.
            states: in which states; none means all.
            before: for each neighbour the row number where its page begins, exclusive.
            limit: how many of each at most.
        """
        where = f"AND state IN ({', '.join('?' * len(states))})" if states else ""
        query = (
            f"SELECT {COLUMNS} FROM sessions WHERE owner = ? AND number < ? {where} "
            "ORDER BY number DESC LIMIT ?"
        )
        pages: dict[int, list[Foreign]] = {}
        for number, folder in self._folders():
            values = (owner, before.get(number, ENDLESS), *(state.value for state in states), limit)
            rows = _rows(folder, query, values)
            pages[number] = [Foreign(folder=folder, row=SessionRow.from_row(row)) for row in rows]
        return pages

    def snapshot(self, session: Foreign) -> Snapshot:
        """Give a session's state, marked as one that cannot be commanded here."""
        snapshot = initial(session.row.session_id)
        for body in self.events(session, 0, -1):
            snapshot = reduce(snapshot, orjson.loads(body))
        return {**snapshot, "viewers": 0, "read_only": True}

    def events(self, session: Foreign, after: int, limit: int) -> list[bytes]:
        """Give the events past `after` as stored; all of them where `limit` is -1."""
        query = "SELECT body FROM events WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?"
        rows = _rows(session.folder, query, (session.row.number, after, limit))
        return [body.encode() for (body,) in rows]

    def last(self, session: Foreign) -> int:
        """Give the seq of a session's last event."""
        query = "SELECT max(seq) FROM events WHERE session = ?"
        return next((last or 0 for (last,) in _rows(session.folder, query, (session.row.number,))), 0)

    def report(self, session: Foreign) -> bytes | None:
        """Give the stored report's JSON."""
        query = "SELECT body FROM reports WHERE session = ?"
        rows = _rows(session.folder, query, (session.row.number,))
        return next((body.encode() for (body,) in rows), None)

    def _folders(self) -> Iterator[tuple[int, Path]]:
        return iter(()) if self._folder is None else self._folder.siblings()


def _rows(folder: Path, query: str, values: Sequence[Any]) -> list[Any]:
    """Read from a neighbour's file; what cannot be read just now is not there."""
    uri = f"{(folder / 'research.sqlite').absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        log.debug("The sessions in %s cannot be read: %s", folder, error)
        return []
