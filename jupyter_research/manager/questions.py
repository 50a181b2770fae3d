"""Answer questions about sessions: each is its owner's, and to everybody else unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import NotReady, ReadOnlySession, SessionNotFound, WrongState
from ..events import Snapshot, State
from ..report import Report
from ..researchers import Reader, Registry
from ..store import Foreign, Neighbours, SessionLog, SessionRow, Store
from ..work import Caller, Control, Place, Work
from .job import Record
from .paging import OWN, Cursor, Numbered, page


class Questions:
    """Read what the store knows, for those to whom it belongs. Thread-safe; takes no lock.

    Sessions that another server of the same home works on can be read too, and not commanded.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        session_folder: Callable[[str], Path],
        place: Callable[[str | None, Caller], Place],
        neighbours: Neighbours,
    ) -> None:
        self._store = store
        self._registry = registry
        self._session_folder = session_folder
        self._place = place
        self._neighbours = neighbours

    def here(self, caller: Caller, session_id: str) -> tuple[SessionRow, SessionLog] | None:
        """Find a session's row and log where it is the caller's and of this server; no neighbour is asked."""
        row = self._store.row(session_id)
        session_log = None if row is None else self._store.log(session_id)
        if row is None or session_log is None or row.owner != caller.owner:
            return None
        return row, session_log

    def owned(self, caller: Caller, session_id: str) -> tuple[SessionRow, SessionLog]:
        """Find a session's row and log where it is the caller's.

        Raises:
            SessionNotFound: also for another's: whether it exists is nobody's business.
            ReadOnlySession: for one that another server holds.
        """
        found = self._find(caller, session_id)
        if isinstance(found, Foreign):
            raise ReadOnlySession()
        return found

    def _find(self, caller: Caller, session_id: str) -> tuple[SessionRow, SessionLog] | Foreign:
        own = self.here(caller, session_id)
        if own is not None:
            return own
        foreign = self._neighbours.find(caller.owner, session_id)
        if foreign is None:
            raise SessionNotFound()
        return foreign

    def log_of(self, caller: Caller, session_id: str) -> SessionLog:
        """Find a session's log where it is the caller's."""
        return self.owned(caller, session_id)[1]

    def snapshot(self, caller: Caller, session_id: str) -> Snapshot:
        """Give a session's state."""
        found = self._find(caller, session_id)
        if isinstance(found, Foreign):
            return self._neighbours.snapshot(found)
        return self._store.snapshot(found[1])

    def events(
        self, caller: Caller, session_id: str, *, after: int, limit: int
    ) -> tuple[Sequence[bytes], int]:
        """Give the events past `after` as stored, and the log's last seq."""
        found = self._find(caller, session_id)
        if isinstance(found, Foreign):
            return self._neighbours.events(found, after, limit), self._neighbours.last(found)
        return self._store.read(found[1], after, limit), found[1].last

    def report(self, caller: Caller, session_id: str) -> bytes | None:
        """Give the stored report's JSON."""
        found = self._find(caller, session_id)
        if isinstance(found, Foreign):
            return self._neighbours.report(found)
        return self._store.report(found[1])

    def list(
        self, caller: Caller, *, states: Iterable[str] = (), limit: int = 50, before: str | None = None
    ) -> tuple[list[Snapshot], str | None]:
        """Give a page of the caller's sessions, newest first, and where the next begins."""
        cursor, wanted = Cursor.parse(before), [State(state) for state in states]
        rows = self._store.rows(owner=caller.owner, states=wanted, before=cursor.of(OWN), limit=limit + 1)
        folders: dict[int, list[Numbered]] = {OWN: list(self._numbered(rows))}
        pages = self._neighbours.pages(caller.owner, wanted, cursor.before, limit + 1)
        for folder, sessions in pages.items():
            numbers = [one.row.number for one in sessions]
            folders[folder] = list(zip(numbers, self._neighbours.snapshots(sessions), strict=True))
        found, following = page(cursor, folders, limit)
        return found, None if following is None else str(following)

    def _numbered(self, rows: Iterable[SessionRow]) -> Iterator[Numbered]:
        for row in rows:
            session_log = self._store.log(row.session_id)
            if session_log is not None:  # Else deleted meanwhile.
                yield row.number, self._store.snapshot(session_log)

    def source_text(self, caller: Caller, session_id: str, source_id: str) -> tuple[str, str] | None:
        """Give title and stored text of one of a session's sources."""
        found = self._find(caller, session_id)
        if isinstance(found, Foreign):
            row, folder = found.row, found.session_folder
        else:
            row, folder = found[0], self._session_folder(session_id)
        return self._registry.get(row.record["researcher"]).source_text(folder, source_id)

    def search(self, caller: Caller, session_id: str, query: str, k: int) -> Sequence[Mapping[str, Any]]:
        """Give the passages of a session's library that fit best."""
        researcher, work = self._reading(caller, session_id)
        return researcher.search(work, query, k)

    def answer(self, caller: Caller, session_id: str, question: str) -> Report:
        """Answer a further question from a session's library."""
        researcher, work = self._reading(caller, session_id)
        return researcher.answer(work, question)

    def partial(self, caller: Caller, session_id: str) -> Report:
        """Give what a cancelled session had found.

        Raises:
            WrongState: when it is not cancelled.
        """
        state = self.snapshot(caller, session_id)["state"]
        if state != State.CANCELLED.value:
            raise WrongState(f"The session is {state}: only a cancelled one has a partial report.")
        return self.found(caller, session_id)

    def found(self, caller: Caller, session_id: str) -> Report:
        """Give what a session has found so far."""
        researcher, work = self._reading(caller, session_id)
        return researcher.partial(work)

    def _reading(self, caller: Caller, session_id: str) -> tuple[Reader, Work]:
        """Give the researcher of a session that has read something, and what it worked on.

        Raises:
            WrongState: when it is a function, which has no library.
            NotReady: while nothing is read.
        """
        row, _ = self.owned(caller, session_id)
        record = Record.from_json(row.record)
        researcher = self._registry.get(record.researcher)
        if not isinstance(researcher, Reader):
            raise WrongState(f"The researcher {record.researcher} has no library that could be searched.")
        folder = self._session_folder(session_id)
        if not folder.is_dir():
            raise NotReady("The session has not read its library yet: try again when it works.")
        return researcher, Work(
            session_id=session_id,
            attempt=0,
            topic=record.topic,
            options=record.options,
            owner=row.owner,
            place=self._place(record.notebook, replace(caller, guest=record.guest or caller.guest)),
            folder=folder,
            control=Control(),
        )
