"""Bring what is committed from the journal into the file itself, out of the writer's way."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path
from typing import Final

from .schema import connect

log = logging.getLogger(__name__)

#: How many pages gather in the journal before they are brought into the file.
CHECKPOINT_PAGES: Final = 8000

#: From so many pages on SQLite does it by itself inside a commit: this thread has been left behind.
LIMIT_PAGES: Final = 30_000

_PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"


class Journal:
    """Empty the journal of a file that one connection writes.

    Left to SQLite, one commit in a thousand waits for two fsyncs, 10 to 40 ms in which nobody is shown
    anything. Here a thread with a connection of its own does the bulk while commits go on; the writer
    does what came meanwhile, because the journal begins anew only where nothing is left in it.
    """

    def __init__(self, path: Path, writing: sqlite3.Connection) -> None:
        self._path = path
        self._writing = writing
        self._pages = 0
        self._due = threading.Event()
        #: The thread has done its part and the writer's is to be done.
        self._done = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="jupyter_research-journal", daemon=True)
        writing.execute(f"PRAGMA wal_autocheckpoint={LIMIT_PAGES}")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End; what is left in the journal stays there until the last connection closes."""
        self._stopped = True
        self._due.set()
        self._thread.join(timeout)

    def committed(self, pages: int) -> None:
        """Count the pages of a commit, and do the writer's part when it is due.

        Called in the writer's thread, outside a transaction.
        """
        if self._done.is_set():
            self._done.clear()
            self._bring(self._writing)
        self._pages += pages
        if self._pages >= CHECKPOINT_PAGES:
            self._pages = 0
            self._due.set()

    def _run(self) -> None:
        try:
            connection = connect(self._path)
        except sqlite3.Error as error:
            log.warning("No checkpoints in the background of %s: %s", self._path, error)
            return
        try:
            while self._due.wait() and not self._stopped:
                self._due.clear()
                if self._bring(connection):
                    self._done.set()
        finally:
            connection.close()

    def _bring(self, connection: sqlite3.Connection) -> bool:
        try:
            connection.execute(_PASSIVE)
        except sqlite3.Error as error:
            # The writer's next commit meets the same disk, and says so.
            log.debug("A checkpoint of %s failed: %s", self._path, error)
            return False
        return True
