"""Answer questions about sessions: each is its owner's, and to everybody else unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest, NotReady, SessionNotFound, WrongState
from ..events import Snapshot, State
from ..report import Report
from ..researchers import Reader, Registry
from ..store import SessionLog, SessionRow, Store
from ..work import Caller, Control, Place, Work
from .job import Record


class Questions:
    """Read what the store knows, for those to whom it belongs. Thread-safe; takes no lock."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        session_folder: Callable[[str], Path],
        place: Callable[[str | None, bool], Place],
    ) -> None:
        self._store = store
        self._registry = registry
        self._session_folder = session_folder
        self._place = place

    def owned(self, caller: Caller, session_id: str) -> tuple[SessionRow, SessionLog]:
        """Find a session's row and log where it is the caller's.

        Raises:
            SessionNotFound: also for another's: whether it exists is nobody's business.
        """
        row = self._store.row(session_id)
        session_log = None if row is None else self._store.log(session_id)
        if row is None or session_log is None or row.owner != caller.owner:
            raise SessionNotFound()
        return row, session_log

    def log_of(self, caller: Caller, session_id: str) -> SessionLog:
        """Find a session's log where it is the caller's."""
        return self.owned(caller, session_id)[1]

    def snapshot(self, caller: Caller, session_id: str) -> Snapshot:
        """Give a session's state."""
        return self._store.snapshot(self.log_of(caller, session_id))

    def list(
        self, caller: Caller, *, states: Iterable[str] = (), limit: int = 50, before: str | None = None
    ) -> tuple[list[Snapshot], str | None]:
        """Give a page of the caller's sessions, newest first, and where the next begins."""
        if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise InvalidRequest("before must be the `next` of an earlier answer.")
        rows = self._store.rows(
            owner=caller.owner,
            states=[State(state) for state in states],
            before=None if before is None else int(before),
            limit=limit + 1,
        )
        logs = [self._store.log(row.session_id) for row in rows[:limit]]
        following = str(rows[limit - 1].number) if len(rows) > limit else None
        return [self._store.snapshot(log) for log in logs if log is not None], following

    def source_text(self, caller: Caller, session_id: str, source_id: str) -> tuple[str, str] | None:
        """Give title and stored text of one of a session's sources."""
        row, _ = self.owned(caller, session_id)
        researcher = self._registry.get(row.record["researcher"])
        return researcher.source_text(self._session_folder(session_id), source_id)

    def search(self, caller: Caller, session_id: str, query: str, k: int) -> Sequence[Mapping[str, Any]]:
        """Give the passages of a session's library that fit best."""
        researcher, work = self._reading(caller, session_id)
        return researcher.search(work, query, k)

    def answer(self, caller: Caller, session_id: str, question: str) -> Report:
        """Answer a further question from a session's library."""
        researcher, work = self._reading(caller, session_id)
        return researcher.answer(work, question)

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
            place=self._place(record.notebook, record.guest or caller.guest),
            folder=folder,
            control=Control(),
        )
