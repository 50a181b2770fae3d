"""Keep answers on disk for as long as their senders allow, and ask again with their validators."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...documents.schema import is_broken, remove
from ...wal import write_ahead

log = logging.getLogger(__name__)

#: What all answers together may take, compressed.
_LARGEST: Final = 64 * 1024 * 1024
#: Seconds to wait for another session that writes.
_PATIENCE: Final = 5.0
_SCHEMA: Final = """
create table if not exists answers (
    url text primary key, fresh real not null, etag text, modified text, place text not null,
    type text not null, body blob not null, used real not null
) without rowid;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Hold an answer as it came."""

    url: str
    content_type: str
    body: bytes
    #: Until when it may be used without asking, in seconds of the epoch.
    fresh: float
    etag: str | None
    modified: str | None

    @property
    def validators(self) -> dict[str, str]:
        """Give the headers that ask whether it still holds."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in headers.items() if value}


class HttpCache:
    """Keep the answers that one owner's sessions got; nobody else's sessions see them. Thread-safe.

    A file that is damaged is begun anew, and one that cannot be written stores nothing: it is asked again.

    Raises:
        sqlite3.Error, OSError: where the file can be neither opened nor made.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._database = _open(path)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                # Another session may be at work in it.
                raise
            log.warning("%s is begun anew: %s", path, error)
            remove(path)
            self._database = _open(path)

    def find(self, url: str) -> Stored | None:
        """Give what is stored for an address, fresh or not."""
        query = "select place, type, body, fresh, etag, modified from answers where url = ?"
        row = None
        with self._using():
            row = self._database.execute(query, (url,)).fetchone()
        if row is None:
            return None
        place, content_type, packed, fresh, etag, modified = row
        try:
            body = zlib.decompress(packed)
        except zlib.error:
            return None  # Damaged on disk: asked for again, and stored anew.
        return Stored(
            url=place,
            content_type=content_type,
            body=body,
            fresh=fresh,
            etag=etag,
            modified=modified,
        )

    def keep(self, url: str, place: str, headers: Mapping[str, str], body: bytes) -> None:
        """Store an answer where its headers allow it; `place` is where redirects led."""
        control = headers.get("cache-control", "").lower()
        fresh = time.time() + _age(control)
        etag, modified = headers.get("etag"), headers.get("last-modified")
        if "no-store" in control or not (etag or modified or fresh > time.time()):
            return
        row = (url, fresh, etag, modified, place, headers.get("content-type", ""))
        packed = zlib.compress(body, 1)
        with self._using():
            self._database.execute(
                "insert or replace into answers values (?, ?, ?, ?, ?, ?, ?, ?)", (*row, packed, time.time())
            )
            self._make_room()

    def renew(self, url: str, headers: Mapping[str, str]) -> None:
        """Note that the sender says that an answer still holds."""
        fresh = time.time() + _age(headers.get("cache-control", "").lower())
        with self._using():
            self._database.execute(
                "update answers set fresh = ?, used = ? where url = ?", (fresh, time.time(), url)
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock, closing(self._database):
            pass

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Hold the file; where it fails there is no cache, and research goes on."""
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            log.debug("The cache of online sources failed: %s", error)

    def _make_room(self) -> None:
        (size,) = self._database.execute("select sum(length(body)) from answers").fetchone()
        if size > _LARGEST:
            self._database.execute(
                "delete from answers where url in (select url from answers order by used"
                " limit max(1, (select count(*) / 4 from answers)))"
            )


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, check_same_thread=False, timeout=_PATIENCE, isolation_level=None)
    try:
        write_ahead(database, path)
        database.executescript(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def _age(control: str) -> float:
    """Read how many seconds an answer may be used without asking."""
    match = re.search(r"max-age=(\d{1,9})", control)
    return 0.0 if match is None or "no-cache" in control else min(float(match[1]), 30 * 86400.0)
