"""Answer questions about sessions: each is its owner's, and to everybody else unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import InvalidRequest, SessionNotFound
from ..events import Snapshot, State
from ..researchers import Registry
from ..store import SessionLog, SessionRow, Store
from ..work import Caller


class Questions:
    """Read what the store knows, for those to whom it belongs. Thread-safe; takes no lock."""

    def __init__(self, store: Store, registry: Registry, session_folder: Callable[[str], Path]) -> None:
        self._store = store
        self._registry = registry
        self._session_folder = session_folder

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
