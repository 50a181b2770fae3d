"""Commit what all sessions have handed over: one thread, one transaction a batch."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import StorageFailed
from .journal import Journal
from .log import MAX_WAITING_BYTES, SessionLog

log = logging.getLogger(__name__)

#: From how many events on a transaction takes no more; what one log has pending is taken as a whole.
MAX_BATCH: Final = 4000

#: Bytes of a page of the file.
PAGE: Final = 4096

_INSERT: Final = "INSERT INTO events VALUES "

_ROW: Final = "(?, ?, ?, ?)"

#: How many rows one statement writes; the oldest SQLite takes 999 values.
_ROWS_AT_ONCE: Final = (200, 20, 1)

#: Up to how many rows are a transaction of one statement, as long as updates come one by one.
_FEW: Final = 8

Action = Callable[[sqlite3.Connection], None]

#: Session, seq, marks and JSON of events.
Rows = Sequence[tuple[int, int, int, str]]


class Entry(NamedTuple):
    """Carry an event that leads to a state or is waited for, or an action on the file, to the writer."""

    #: The event's JSON after its seq; empty for an action alone.
    rest: bytes = b""
    #: 1 for the events that lead to a state, 0 for status updates.
    marks: int = 0
    #: What is done to the file in the same transaction.
    action: Action | None = None
    #: Resolved with the event's bytes after the commit.
    future: Future[bytes] | None = None


#: What a plain status update is beside its JSON.
UPDATE: Final = Entry()


class Batch:
    """Be what one transaction writes."""

    __slots__ = ("actions", "answers", "bytes", "grown", "rows", "size", "updates")

    def __init__(self) -> None:
        self.size = 0
        self.bytes = 0
        #: The new events by log, each as its whole JSON.
        self.grown: dict[SessionLog, list[bytes]] = {}
        #: How many of them are status updates.
        self.updates: dict[SessionLog, int] = {}
        self.rows: list[tuple[int, int, int, str]] = []
        self.actions: list[Action] = []
        #: Those who wait, and what they get.
        self.answers: list[tuple[Future[bytes], bytes]] = []

    @property
    def full(self) -> bool:
        """Tell whether it takes no more: who sends large events fast would fill it for ever, and memory."""
        return self.size >= MAX_BATCH or self.bytes >= MAX_WAITING_BYTES

    def add(self, item: SessionLog | Entry) -> None:
        """Take in all that is pending in a log, or an entry that is no event."""
        if isinstance(item, Entry):
            self.size += 1
            self._note(item, b"")
            return
        bodies = self.grown.setdefault(item, [])
        before = len(bodies)
        first = item.last + before + 1
        updates = 0
        for seq, one in enumerate(item.take(), first):
            rest, entry = (one, UPDATE) if isinstance(one, bytes) else (one.rest, one)
            body = b"%s%d,%s" % (item.prefix, seq, rest)
            bodies.append(body)
            self.rows.append((item.number, seq, entry.marks, body.decode()))
            if entry.marks == 0:
                updates += 1
            if entry is not UPDATE:
                self._note(entry, body)
        self.size += len(bodies) - before
        self.bytes += sum(map(len, bodies[before:]))
        self.updates[item] = self.updates.get(item, 0) + updates

    def _note(self, entry: Entry, body: bytes) -> None:
        if entry.action is not None:
            self.actions.append(entry.action)
        if entry.future is not None:
            self.answers.append((entry.future, body))

    def pages(self) -> int:
        """Guess how many pages it changes: what is filled, and where each session's part grows."""
        return 3 * len(self.grown) + sum(len(row[3]) for row in self.rows) // PAGE


class Writer:
    """Own the only connection that writes.

    `on_commit` is called in the writer's thread with the logs that grew; `on_failure` with those that
    could not be written and the sentence that says why.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        *,
        on_commit: Callable[[Iterable[SessionLog]], None],
        on_failure: Callable[[Iterable[SessionLog], str], None],
    ) -> None:
        self._path = path
        self._connection = connection
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._journal = Journal(path, connection)
        self._queue: queue.SimpleQueue[SessionLog | Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="jupyter_research-writer", daemon=True)
        #: Takes an entry that is no event, or a log whose `pending` was empty before.
        self.put = self._queue.put

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()
        self._journal.start()

    def stop(self, timeout: float) -> bool:
        """Write what has been handed over, then end; tell whether that worked out in time."""
        self._queue.put(None)
        self._thread.join(timeout)
        self._journal.stop(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._write_next():
            pass

    def _write_next(self) -> bool:
        """Write what has gathered; tell whether there may be more. A batch is gone when this returns."""
        batch, going = self._gather()
        try:
            if batch.size:
                self._write(batch)
        except Exception:
            # The writer is the only one: whatever happens in a callback, it goes on.
            log.exception("The writer of %s met an error.", self._path)
        return going

    def _gather(self) -> tuple[Batch, bool]:
        """Wait for something to write, then take all that has gathered."""
        batch = Batch()
        try:
            item = self._queue.get()
            while item is not None:
                batch.add(item)
                if batch.full:
                    return batch, True
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _write(self, batch: Batch) -> None:
        try:
            self._transaction(batch.rows, batch.actions)
        except sqlite3.Error as error:
            self._fail(batch, error)
            return
        for session_log, bodies in batch.grown.items():
            session_log.committed(bodies, batch.updates[session_log])
        for future, body in batch.answers:
            future.set_result(body)
        if batch.grown:
            self._on_commit(batch.grown)
        # After the news of it: this may take a moment.
        self._journal.committed(batch.pages())

    def _transaction(self, rows: Rows, actions: Sequence[Action]) -> None:
        connection = self._connection
        if not actions and 0 < len(rows) <= _FEW:
            # Alone, a statement is a transaction: this thread queues for the interpreter once, not thrice.
            _insert_at_once(connection, rows)
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            _insert(connection, rows)
            for action in actions:
                action(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _fail(self, batch: Batch, error: sqlite3.Error) -> None:
        advice = "Another process holds it: end that" if "locked" in str(error) else "Free space there"
        sentence = f"The log {self._path} could not be written: {error}. {advice}, then resume the session."
        log.error(sentence)
        for session_log, count in batch.updates.items():
            with session_log.lock:
                session_log.broken = sentence
                session_log.waiting -= count
                session_log.room.notify_all()
        for future, _ in batch.answers:
            future.set_exception(StorageFailed(sentence))
        if batch.updates:
            self._on_failure(batch.updates, sentence)


def _insert(connection: sqlite3.Connection, rows: Rows) -> None:
    """Write rows in few statements: after each, this thread queues for the interpreter behind all others."""
    start = 0
    for size in _ROWS_AT_ONCE:
        while len(rows) - start >= size:
            _insert_at_once(connection, rows[start : start + size])
            start += size


def _insert_at_once(connection: sqlite3.Connection, rows: Rows) -> None:
    statement = _INSERT + ", ".join([_ROW] * len(rows))
    connection.execute(statement, list(chain.from_iterable(rows)))


def settle(future: Future[Any], timeout: float = 30.0) -> Any:
    """Wait until the writer has committed what `future` stands for.

    Raises:
        StorageFailed: when it could not be written.
    """
    return future.result(timeout)
