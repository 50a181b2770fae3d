"""Say which indexes are kept, of what and how large, and take them away."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ..errors import WrongState
from .schema import VERSION, remove, still

#: Where indexes lie beneath a folder of data folders, and beneath a data folder.
_PLACES: Final = ("*/indexes/*.sqlite", "indexes.*/*.sqlite", "indexes/*.sqlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptIndex:
    """Describe one index file."""

    path: Path
    #: With the log beside it.
    bytes: int
    #: When it was last written, in seconds since the epoch.
    written: float
    #: Where relative sources start; None for an index of another version, which is made anew when it is used.
    folder: str | None = None
    sources: tuple[str, ...] = ()
    documents: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object."""
        return {
            "path": os.fsencode(self.path).decode("utf-8", "replace"),
            "bytes": self.bytes,
            "written": self.written,
            "folder": self.folder,
            "sources": list(self.sources),
            "documents": self.documents,
        }

    def is_called(self, name: str) -> bool:
        """Tell whether a person may mean it: by its path, a source, or the beginning of its name."""
        full = os.path.realpath(os.path.join(self.folder or "", os.path.expanduser(name)))
        sources = {os.path.realpath(os.path.join(self.folder or "", source)) for source in self.sources}
        begins = len(name) >= 4 and self.path.stem.startswith(name)
        return begins or name in self.sources or full in {os.path.realpath(self.path), *sources}


def kept(folder: Path) -> Iterator[KeptIndex]:
    """Go through the indexes beneath a folder, the newest first."""
    paths = {path for place in _PLACES for path in folder.glob(place)}
    found = [_described(path) for path in sorted(paths)]
    yield from sorted(found, key=lambda one: -one.written)


def forget(path: Path) -> None:
    """Remove an index; it is made anew when a session needs it.

    Raises:
        WrongState: while a session uses it.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            free = still(connection)
        except sqlite3.DatabaseError:
            # Damaged, so that nobody uses it either.
            free = True
    if not free:
        raise WrongState(f"{path} is in use by a session: try again when it has ended.")
    remove(path)


def _described(path: Path) -> KeptIndex:
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal")]
    stats = [file.stat() for file in files if file.exists()]
    size, written = sum(one.st_size for one in stats), max((one.st_mtime for one in stats), default=0.0)
    try:
        with closing(sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                about = dict(connection.execute("SELECT what, value FROM about"))
                (documents,) = connection.execute("SELECT count(*) FROM documents").fetchone()
                sources = tuple(json.loads(about.get("sources", "[]")))
                return KeptIndex(
                    path=path,
                    bytes=size,
                    written=written,
                    folder=about.get("folder"),
                    sources=sources,
                    documents=documents,
                )
    except (sqlite3.DatabaseError, ValueError):
        pass
    return KeptIndex(path=path, bytes=size, written=written)
