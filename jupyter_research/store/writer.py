"""Commit what all sessions have handed over: one thread, one transaction a batch."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import StorageFailed
from .journal import Journal
from .log import SessionLog

log = logging.getLogger(__name__)

#: How many entries one transaction takes at most.
MAX_BATCH: Final = 4000

#: Bytes of a page of the file.
PAGE: Final = 4096

#: Seconds between two signs of life.
BEAT: Final = 10.0

Action = Callable[[sqlite3.Connection], None]


class Entry(NamedTuple):
    """Carry one event, or one action on the file, to the writer."""

    log: SessionLog | None
    #: The event's JSON after its seq; None for an action alone.
    rest: bytes | None
    #: 1 for the events that lead to a state, 0 for status updates.
    marks: int = 0
    #: What is done to the file in the same transaction.
    action: Action | None = None
    #: Resolved with the event's bytes after the commit.
    future: Future[bytes] | None = None


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
        beat: Action,
    ) -> None:
        self._path = path
        self._connection = connection
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._beat = beat
        self._journal = Journal(path, connection)
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="jupyter_research-writer", daemon=True)
        self.put = self._queue.put

    @property
    def backlog(self) -> int:
        """Count the entries that wait to be committed."""
        return self._queue.qsize()

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
        going = True
        while going:
            batch, going = self._gather()
            try:
                if batch:
                    self._write(batch)
                else:
                    self._transaction([], self._beat)
            except Exception:
                # The writer is the only one: whatever happens in a callback, it goes on.
                log.exception("The writer of %s met an error.", self._path)

    def _gather(self) -> tuple[list[Entry], bool]:
        """Wait for an entry, then take all that has gathered."""
        batch: list[Entry] = []
        try:
            entry = self._queue.get(timeout=BEAT)
            while entry is not None:
                batch.append(entry)
                if len(batch) >= MAX_BATCH:
                    return batch, True
                entry = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _write(self, batch: list[Entry]) -> None:
        grown: dict[SessionLog, list[bytes]] = {}
        updates: dict[SessionLog, int] = {}
        rows: list[tuple[int, int, int, str]] = []
        bodies: list[bytes] = []
        for entry in batch:
            body = b""
            if entry.log is not None and entry.rest is not None:
                own = grown.setdefault(entry.log, [])
                seq = entry.log.last + len(own) + 1
                body = b"%s%d,%s" % (entry.log.prefix, seq, entry.rest)
                own.append(body)
                rows.append((entry.log.number, seq, entry.marks, body.decode()))
                updates[entry.log] = updates.get(entry.log, 0) + (1 - entry.marks)
            bodies.append(body)
        try:
            self._transaction(rows, *(entry.action for entry in batch if entry.action is not None))
        except sqlite3.Error as error:
            self._fail(batch, updates, error)
            return
        for session_log, own in grown.items():
            session_log.committed(own, updates[session_log])
        for entry, body in zip(batch, bodies, strict=True):
            if entry.future is not None:
                entry.future.set_result(body)
        if grown:
            self._on_commit(grown)
        # After the news of it: this may take a moment. Each session has a page of its own that grows.
        self._journal.committed(1 + len(grown) + sum(map(len, bodies)) // PAGE)

    def _transaction(self, rows: list[tuple[int, int, int, str]], *actions: Action) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            for action in actions:
                action(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _fail(self, batch: list[Entry], updates: dict[SessionLog, int], error: sqlite3.Error) -> None:
        sentence = (
            f"The log {self._path} could not be written: {error}. Free space there, then resume the session."
        )
        log.error(sentence)
        for session_log, count in updates.items():
            with session_log.lock:
                session_log.broken = sentence
                session_log.waiting -= count
                session_log.room.notify_all()
        for entry in batch:
            if entry.future is not None:
                entry.future.set_exception(StorageFailed(sentence))
        if updates:
            self._on_failure(updates, sentence)


def settle(future: Future[Any], timeout: float = 30.0) -> Any:
    """Wait until the writer has committed what `future` stands for.

    Raises:
        StorageFailed: when it could not be written.
    """
    return future.result(timeout)
