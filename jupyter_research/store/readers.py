"""Lend connections that read, as many as read at once."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import StorageFailed
from .damage import is_damage
from .schema import connect

#: How many connections stay open, at two files each; a crowd opens more for a moment.
KEPT: Final = 4

#: KiB that each keeps of the file. Of itself SQLite keeps 2,000, which fill up over hours and look like a
#: leak; the system has the file in memory anyway.
_CACHE: Final = 256


class Readers:
    """Keep the connections of a file that only read; threads share them one after another."""

    def __init__(self, path: Path, on_failure: Callable[[], None]) -> None:
        self._path = path
        self._on_failure = on_failure
        self._free: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(KEPT)

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection.

        Raises:
            StorageFailed: when the file cannot be read.
        """
        connection: sqlite3.Connection | None = None
        try:
            connection = self._taken()
            yield connection
        except (sqlite3.Error, OSError) as error:
            self._on_failure()
            advice = " Restart the server: it sets a damaged file aside." if is_damage(error) else ""
            raise StorageFailed(f"{self._path} cannot be read: {error}.{advice}") from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def close(self) -> None:
        """Close those that nobody reads with."""
        while not self._free.empty():
            self._free.get().close()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            self._free.put_nowait(connection)
        except queue.Full:
            connection.close()

    def _taken(self) -> sqlite3.Connection:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            connection = connect(self._path)
            connection.execute(f"PRAGMA cache_size=-{_CACHE}")
            connection.text_factory = bytes  # Events go out as they are stored, without a decode.
            return connection
