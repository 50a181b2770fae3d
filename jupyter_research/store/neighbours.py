"""Read the sessions of other servers that share a home; nothing of theirs is ever written."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import orjson

from ..events import Snapshot, State, initial, reduce
from . import queries
from .folder import Folder
from .row import SessionRow

log = logging.getLogger(__name__)

#: How many states of neighbours' sessions stay in memory: a few pages of a list.
KEPT_STATES: Final = 200

T = TypeVar("T")


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
        for _, folder in self._folders():
            row = _ask(folder, lambda file: queries.find_row(file, session_id), None)
            if row is not None and row.owner == owner:
                return Foreign(folder=folder, row=row)
        return None

    def pages(
        self, owner: str, states: Sequence[State], before: Mapping[int, int], limit: int
    ) -> dict[int, list[Foreign]]:
        """Give a page of each neighbour's sessions, newest first, by the neighbour's number.

        Args:
            owner: whose.
            states: in which states; none means all.
            before: for each neighbour the row number where its page begins, exclusive; its newest without.
            limit: how many of each at most.
        """
        pages: dict[int, list[Foreign]] = {}
        none: list[SessionRow] = []
        for number, folder in self._folders():
            page = partial(
                queries.find_rows, owner=owner, states=states, before=before.get(number), limit=limit
            )
            rows = _ask(folder, page, none)
            pages[number] = [Foreign(folder=folder, row=row) for row in rows]
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
            state = queries.saved_snapshot(connection, session.row.session_id)
        for (body,) in connection.execute(queries.EVENTS, (number, state["last_seq"], -1)):
            state = reduce(state, orjson.loads(body))
        with self._lock:
            self._states[place] = state
            self._states.move_to_end(place)
            if len(self._states) > KEPT_STATES:
                self._states.popitem(last=False)
        return state

    def events(self, session: Foreign, after: int, limit: int) -> list[bytes]:
        """Give the events past `after` as stored; all of them where `limit` is -1."""
        values = (session.row.number, after, limit)
        none: list[tuple[str]] = []
        rows = _ask(session.folder, lambda file: file.execute(queries.EVENTS, values).fetchall(), none)
        return [body.encode() for (body,) in rows]

    def last(self, session: Foreign) -> int:
        """Give the seq of a session's last event."""
        found = _ask(session.folder, lambda file: queries.find_log(file, session.row.session_id), None)
        return 0 if found is None else found[1]

    def report(self, session: Foreign) -> bytes | None:
        """Give the stored report's JSON."""
        return _ask(session.folder, lambda file: queries.report(file, session.row.number), None)

    def _folders(self) -> Iterator[tuple[int, Path]]:
        return iter(()) if self._folder is None else self._folder.siblings()


def _ask(folder: Path, ask: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
    """Ask a neighbour's file something; what cannot be read just now is not there."""
    with suppress(sqlite3.Error), _reading(folder) as connection:
        return ask(connection)
    return otherwise


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
