"""Be the store: sessions, events and reports in one SQLite file with one writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from ..errors import StorageFailed
from ..events import Kind, Snapshot, State, reduce, status_fields
from . import queries
from .encoding import encode, encode_update
from .log import MAX_WAITING, MAX_WAITING_BYTES, SessionLog, fitting
from .logs import Logs
from .measure import keep, measure
from .opening import open_file
from .readers import Readers
from .row import INSERT, SessionRow, erase
from .writer import Action, Entry, Writer, settle

#: How many pages are given back in one transaction.
_PAGES_AT_ONCE: Final = 500


class Store:
    """Append, read and find.

    Thread-safe. `append` and `update` return at once; everything else may wait for the disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_commit: Callable[[Iterable[SessionLog]], None] = lambda logs: None,
        on_failure: Callable[[Iterable[SessionLog], str], None] = lambda logs, sentence: None,
        may_wait: Callable[[], bool] = lambda: True,
    ) -> None:
        self.path = path
        #: Tells whether the calling thread may be held up: the loop that serves everybody may not.
        self.may_wait = may_wait
        self._readers = Readers(path, self._suspected)
        try:
            connection, self.log_id = open_file(path)
            (highest,) = connection.execute("SELECT max(number) FROM sessions").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(
                f"{path} cannot be opened: {error}. Set ResearchApp.data_dir to another folder."
            ) from error
        self._logs = Logs(highest or 0)
        self._connection = connection
        self._closed = False
        self._dropped = 0
        #: Something could not be read or written: the next start looks the file over.
        self._suspect = False
        self._on_failure = on_failure
        self._writer = Writer(path, connection, on_commit=on_commit, on_failure=self._failed)
        self._writer.start()

    def _suspected(self) -> None:
        self._suspect = True

    def _failed(self, logs: Iterable[SessionLog], sentence: str) -> None:
        self._suspected()
        self._on_failure(logs, sentence)

    @property
    def backlog(self) -> int:
        """Count the updates that wait to be committed."""
        return self._logs.waiting

    @property
    def held(self) -> int:
        """Count the threads that wait because their session has filled its share of the queue."""
        return self._logs.held

    @property
    def dropped(self) -> int:
        """Count the updates that came after their attempt had closed."""
        return self._dropped

    # -- writing -----------------------------------------------------------------------------

    def create(self, session_id: str, owner: str, key: str | None, record: Mapping[str, Any]) -> SessionLog:
        """Begin a log; its row is committed before any event that follows."""
        log = self._logs.add(session_id, self._logs.number())
        row = SessionRow(
            number=log.number, session_id=session_id, owner=owner, state=State.QUEUED, key=key, record=record
        ).to_row()

        def insert(connection: sqlite3.Connection) -> None:
            if key is not None:  # The newest session takes the key.
                connection.execute("UPDATE sessions SET key = NULL WHERE owner = ? AND key = ?", (owner, key))
            connection.execute(f"INSERT {INSERT}", row)

        self._writer.put(Entry(action=insert))
        return log

    def take_in(self, row: SessionRow, source: sqlite3.Connection) -> Future[bytes]:
        """Copy a whole session out of another file; one that is here already stays as it is."""
        number = self._logs.number()
        both = (number, row.number)

        def copy(connection: sqlite3.Connection) -> None:
            # The key stays with a session of this file that has it.
            taken = "SELECT 1 FROM sessions WHERE owner = ? AND key = ?"
            key = None if connection.execute(taken, (row.owner, row.key)).fetchone() else row.key
            taken_in = replace(row, number=number, key=key)
            if not connection.execute(f"INSERT OR IGNORE {INSERT}", taken_in.to_row()).rowcount:
                return
            for table, columns in (("events", "seq, marks, body"), ("reports", "body")):
                rows = source.execute(f"SELECT ?, {columns} FROM {table} WHERE session = ?", both)
                places = ", ".join("?" * (2 + columns.count(",")))
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)

        return self._do(copy)

    def update(self, log: SessionLog, gate: int, message: Any, status: Any) -> bool:
        """Append a status update of the attempt with this gate; tell whether that is still open.

        Past the cap of the log it is counted and no more.
        Waits while 2,000 updates of this session, or 8 MiB of them, wait for the writer, unless in a thread
        that may not.
        """
        rest = encode_update(message, status)
        with log.lock:
            if (log.waiting >= MAX_WAITING or log.size >= MAX_WAITING_BYTES) and self.may_wait():
                log.wait_for_room(gate)
            if log.gate != gate or log.broken is not None:
                log.dropped += 1
                self._dropped += 1  # Two at once may count as one: a figure for people.
                return False
            if log.last + log.waiting >= log.cap:
                log.capped += 1
                return True
            log.waiting += 1
            log.size += len(rest)
            log.pending.append(rest)
            if len(log.pending) == 1:  # Else the writer knows, and takes this with the rest.
                self._writer.put(log)
        return True

    def append(
        self,
        log: SessionLog,
        kind: Kind,
        state: State | None,
        detail: Mapping[str, Any],
        *,
        message: str | None = None,
        step: str | None = None,
        gate: int | None = None,
        report: bytes | None = None,
    ) -> Future[bytes]:
        """Append an event; the Future gives its JSON once it is committed.

        Args:
            log: the session's log.
            kind: the kind of event.
            state: the state that the event leads to; None for a status update.
            detail: the event's `detail`; `state` is added.
            message: one line for people.
            step: the step, if any.
            gate: from this event on, updates with this gate are let in (0: none).
            report: the finished report's JSON, stored in the same transaction.
        """
        whole = dict(detail) if state is None else {"state": state.value, **detail}
        rest = encode(kind.value, {**status_fields(message), "step": step, "detail": whole})
        future: Future[bytes] = Future()

        def action(connection: sqlite3.Connection) -> None:
            if state is not None:
                connection.execute(
                    "UPDATE sessions SET state = ? WHERE number = ?", (state.value, log.number)
                )
            if report is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO reports VALUES (?, ?)", (log.number, report.decode())
                )

        with log.lock:
            if gate is not None:
                log.gate = gate
                log.room.notify_all()
            if log.deleted:
                future.set_exception(StorageFailed("The session has been deleted."))
            else:
                log.waiting += state is None
                log.pending.append(Entry(rest, int(state is not None), action, future))
                if len(log.pending) == 1:
                    self._writer.put(log)
        return future

    def save_snapshot(self, log: SessionLog) -> None:
        """Write the snapshot down, so that a list need not read the whole log."""
        snapshot = self.snapshot(log)
        values = (orjson.dumps(snapshot).decode(), snapshot["last_seq"], log.number)

        def action(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE sessions SET snapshot = ?, snapshot_seq = ? WHERE number = ?", values)

        self._writer.put(Entry(action=action))

    def delete(self, log: SessionLog) -> Future[bytes]:
        """Remove a session with its events and report."""

        def action(connection: sqlite3.Connection) -> None:
            erase(connection, log.number)

        with log.lock:
            log.gate = 0
            log.deleted = True
            log.room.notify_all()
            future = self._do(action)
        # Known as deleted until its rows are gone: read from them anew it would be numbered twice.
        future.add_done_callback(lambda done: self._logs.forget(log))
        return future

    def shrink(self) -> None:
        """Give free pages back to the disk, a few at a time, so that no commit waits for long."""
        left = [1]

        def action(connection: sqlite3.Connection) -> None:
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            left[0] = connection.execute("PRAGMA freelist_count").fetchone()[0]

        before = None
        while left[0] and left[0] != before:
            before = left[0]
            settle(self._do(action))

    def flush(self) -> Future[bytes]:
        """Give a Future that resolves when all that was handed over before is committed."""
        return self._do(None)

    def _do(self, action: Action | None) -> Future[bytes]:
        """Hand an action to the writer; the Future resolves once it is committed."""
        future: Future[bytes] = Future()
        self._writer.put(Entry(action=action, future=future))
        return future

    def close(self, timeout: float = 3.0) -> None:
        """Commit what has been handed over and close the file; once is enough."""
        if self._closed:
            return
        self._closed = True
        if self._writer.stop(timeout):
            self._sign_off()
            self._connection.close()
        self._readers.close()

    def _sign_off(self) -> None:
        """Note that this life ended in good order; without it the next start looks the file over."""
        if self._suspect:
            return
        try:
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES ('clean', '1')")
        except sqlite3.Error:
            pass  # A full disk must not keep the server from its end.

    # -- reading -----------------------------------------------------------------------------

    def log(self, session_id: str) -> SessionLog | None:
        """Find a session's log, in memory or in the file."""
        log = self._logs.find(session_id)
        if log is None:
            with self._readers.one() as connection:
                found = queries.find_log(connection, session_id)
            if found is None:
                return None
            log = self._logs.add(session_id, *found)
        return None if log.deleted else log

    def read(self, log: SessionLog, after: int, limit: int, size: int | None = None) -> list[bytes]:
        """Give the committed events past `after` as they are stored; see `SessionLog.recent`."""
        recent = log.recent(after, limit, size)
        if recent is not None:
            return recent
        values = (log.number, after, limit)
        with self._readers.one() as connection, closing(connection.execute(queries.EVENTS, values)) as rows:
            bodies = (body for (body,) in rows)
            return list(bodies) if size is None else fitting(bodies, size)

    def marks(self, log: SessionLog) -> list[dict[str, Any]]:
        """Give the events that led from state to state."""
        with self._readers.one() as connection:
            return queries.marks(connection, log.number)

    def snapshot(self, log: SessionLog) -> Snapshot:
        """Give the state after all committed events."""
        with log.snapshot_lock:
            snapshot = log.snapshot or self._saved_snapshot(log)
            while snapshot["last_seq"] < log.last:
                events = self.read(log, snapshot["last_seq"], 5000)
                if not events:  # deleted meanwhile
                    break
                for body in events:
                    snapshot = reduce(snapshot, orjson.loads(body))
            log.snapshot = snapshot
        return {**snapshot, **log.overlay, "viewers": log.viewers}

    def row(self, session_id: str) -> SessionRow | None:
        """Find a session's row."""
        with self._readers.one() as connection:
            return queries.find_row(connection, session_id)

    def rows(
        self,
        *,
        owner: str | None = None,
        states: Sequence[State] = (),
        key: str | None = None,
        before: int | None = None,
        limit: int = -1,
    ) -> list[SessionRow]:
        """Find sessions, newest first; see `queries.find_rows`."""
        with self._readers.one() as connection:
            return queries.find_rows(
                connection, owner=owner, states=states, key=key, before=before, limit=limit
            )

    def counts(self, owner: str | None = None) -> dict[str, int]:
        """Count the sessions by state, those of one owner or all."""
        with self._readers.one() as connection:
            return {state.decode(): count for state, count in queries.count_states(connection, owner)}

    def sizes(self, owner: str) -> dict[str, int]:
        """Measure an owner's sessions: the bytes of each one's events and report."""
        with self._readers.one() as connection:
            found = list(measure(connection, owner))

        def action(connection: sqlite3.Connection) -> None:
            for size in found:
                if size.new:
                    keep(connection, size)

        if any(size.new for size in found):
            self._writer.put(Entry(action=action))
        return {size.session_id: size.events + size.report for size in found}

    def last_times(self) -> list[tuple[SessionRow, str]]:
        """Give every session with the time of its last event."""
        with self._readers.one() as connection:
            return queries.last_times(connection)

    def report(self, log: SessionLog) -> bytes | None:
        """Give the stored report's JSON."""
        with self._readers.one() as connection:
            return queries.report(connection, log.number)

    def _saved_snapshot(self, log: SessionLog) -> Snapshot:
        with self._readers.one() as connection:
            return queries.saved_snapshot(connection, log.session_id)
