"""Read the sessions of other servers that share a home; nothing of theirs is ever written."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
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

#: How many states of neighbours' sessions stay in memory: a few pages of a list.
KEPT_STATES: Final = 200

_EVENTS: Final = "SELECT body FROM events WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?"


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
    """Find and read what lies in the folders beside one's own. Each question opens them anew. Thread-safe."""

    def __init__(self, folder: Folder | None) -> None:
        self._folder = folder
        #: The states read last, by folder, life of its log and session: after a power cut a log may go on
        #: from an earlier event.
        self._states: OrderedDict[tuple[Path, str, str], Snapshot] = OrderedDict()
        self._lock = threading.Lock()

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
        return self.snapshots([session])[0]

    def snapshots(self, sessions: Sequence[Foreign]) -> list[Snapshot]:
        """Give the states of sessions of one neighbour; of each only the events not yet known are read."""
        states = {one.row.session_id: initial(one.row.session_id) for one in sessions}
        if sessions:
            with suppress(sqlite3.Error), _reading(sessions[0].folder) as connection:
                connection.execute("BEGIN")  # All of it as it is at one moment.
                (life,) = connection.execute("SELECT value FROM facts WHERE name = 'log'").fetchone()
                for one in sessions:
                    states[one.row.session_id] = self._state(connection, life, one)
        return [{**state, "viewers": 0, "read_only": True} for state in states.values()]

    def _state(self, connection: sqlite3.Connection, life: str, session: Foreign) -> Snapshot:
        """Go on from what is known of a session, or from what its server has written down."""
        place, number = (session.folder, life, session.row.session_id), session.row.number
        with self._lock:
            state = self._states.get(place)
        if state is None:
            query = "SELECT snapshot FROM sessions WHERE number = ?"
            (saved,) = connection.execute(query, (number,)).fetchone() or (None,)
            state = orjson.loads(saved) if saved else initial(session.row.session_id)
        for (body,) in connection.execute(_EVENTS, (number, state["last_seq"], -1)):
            state = reduce(state, orjson.loads(body))
        with self._lock:
            self._states[place] = state
            self._states.move_to_end(place)
            if len(self._states) > KEPT_STATES:
                self._states.popitem(last=False)
        return state

    def events(self, session: Foreign, after: int, limit: int) -> list[bytes]:
        """Give the events past `after` as stored; all of them where `limit` is -1."""
        rows = _rows(session.folder, _EVENTS, (session.row.number, after, limit))
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
    with suppress(sqlite3.Error), _reading(folder) as connection:
        return connection.execute(query, values).fetchall()
    return []


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a neighbour's file for a question."""
    uri = f"{(folder / 'research.sqlite').absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=1)) as connection:
            yield connection
    except sqlite3.Error as error:
        log.debug("The sessions in %s cannot be read: %s", folder, error)
        raise
