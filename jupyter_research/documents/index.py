"""Keep documents and their passages in one SQLite file per collection, with a full-text index.

Several threads and processes may use the file at once: one connection per thread, WAL,
and each batch of documents in one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .opening import Stamp
from .records import Document, Passage

#: Raised whenever parsing or cutting changes: what an older one read is read again.
_VERSION: Final = 3

_SCHEMA: Final = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, title TEXT,
    authors TEXT NOT NULL, year INTEGER, doi TEXT, pages INTEGER, chars INTEGER NOT NULL, text NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE files (
    path BLOB PRIMARY KEY, name TEXT NOT NULL, stamp TEXT NOT NULL, checked INTEGER NOT NULL,
    hash TEXT, failure TEXT
) WITHOUT ROWID;
CREATE INDEX files_hash ON files (hash);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    page INTEGER, cell INTEGER, heading TEXT, title TEXT NOT NULL, body TEXT NOT NULL
);
CREATE VIRTUAL TABLE search USING fts5 (
    title, body, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
"""

_DOCUMENTS: Final = """
SELECT d.number, d.hash, d.kind, d.title, d.authors, d.year, d.doi, d.pages, d.chars, f.path, f.name
FROM documents d JOIN files f
ON f.path = (SELECT path FROM files WHERE hash = d.hash ORDER BY name, path LIMIT 1)
"""

#: A shorter text gains nothing by being compressed.
_PACKED_FROM: Final = 8192

#: Two writes within this many nanoseconds can bear the same time: such a stamp proves nothing.
_RACE: Final = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Say what the index knows of a file."""

    stamp: Stamp
    checked: int
    hash: str | None
    failure: str | None

    def still(self, stamp: Stamp) -> bool:
        """Tell whether a file that bears this stamp now is the one that was read."""
        return self.stamp == stamp and stamp[1] < self.checked - _RACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Hold what is to be written about one file; `parsed` is the child's answer when it is new."""

    path: Path
    name: str
    kind: str
    stamp: Stamp
    checked: int
    hash: str | None
    failure: str | None = None
    parsed: Mapping[str, Any] | None = None


class Index:
    """Read and write one collection's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []

    def known(self) -> dict[Path, Known]:
        """Give what is known of every file."""
        rows = self._connection().execute("SELECT path, stamp, checked, hash, failure FROM files")
        return {
            Path(os.fsdecode(path)): Known(
                stamp=Stamp(json.loads(stamp)), checked=checked, hash=hash_, failure=failure
            )
            for path, stamp, checked, hash_, failure in rows
        }

    def has(self, hash_: str) -> bool:
        """Tell whether a document with these bytes is there."""
        return (
            self._connection().execute("SELECT 1 FROM documents WHERE hash = ?", (hash_,)).fetchone()
            is not None
        )

    def write(self, entries: Sequence[Entry], gone: Iterable[Path] = ()) -> None:
        """Write a batch in one transaction, and drop the documents that no file holds any more."""
        with self._transaction() as connection:
            paths = [(os.fsencode(path),) for path in (*gone, *(entry.path for entry in entries))]
            left = _hashes(connection, paths)
            connection.executemany("DELETE FROM files WHERE path = ?", paths)
            _insert(connection, [entry for entry in entries if entry.parsed is not None])
            connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", map(_file_row, entries))
            _sweep(connection, left)

    def documents(self) -> list[Document]:
        """Give all documents, by name."""
        return sorted(
            (_document(row) for row in self._connection().execute(_DOCUMENTS)), key=lambda one: one.name
        )

    def text(self, document_id: str) -> str | None:
        """Give the stored text of a document."""
        row = (
            self._connection()
            .execute("SELECT text FROM documents WHERE hash GLOB ?", (f"sha256:{_digits(document_id)}*",))
            .fetchone()
        )
        return _unpacked(row[0]) if row else None

    def passages(self, document_id: str) -> list[Passage]:
        """Give the passages of a document, in order."""
        pattern = f"sha256:{_digits(document_id)}*"
        connection = self._connection()
        row = connection.execute(f"{_DOCUMENTS} WHERE d.hash GLOB ?", (pattern,)).fetchone()
        if row is None:
            return []
        document = _document(row)
        found = connection.execute(
            "SELECT start, stop, body, page, cell, heading, 0.0 FROM passages"
            " WHERE id BETWEEN (SELECT first FROM documents WHERE number = ?1)"
            " AND (SELECT last FROM documents WHERE number = ?1) ORDER BY id",
            (row[0],),
        )
        return [_passage(document, passage) for passage in found]

    def search(self, expression: str, k: int) -> list[Passage]:
        """Give the k best passages; equal scores stand in the order of the documents' hashes."""
        connection = self._connection()
        # Twice as many, sorted here: row ids depend on which child was faster.
        best = connection.execute(
            "SELECT rowid, bm25(search, 2.0, 1.0) AS score FROM search WHERE search MATCH ?"
            " ORDER BY score LIMIT ?",
            (expression, 2 * k),
        ).fetchall()
        scores = dict(best)
        marks = ",".join("?" * len(scores))
        rows = connection.execute(
            "SELECT p.id, d.hash, d.number, p.start, p.stop, p.body, p.page, p.cell, p.heading"
            f" FROM passages p JOIN documents d ON d.number = p.document WHERE p.id IN ({marks})",
            list(scores),
        ).fetchall()
        rows.sort(key=lambda row: (scores[row[0]], row[1], row[3]))
        documents = self._numbered({row[2] for row in rows[:k]})
        return [
            _passage(documents[row[2]], (*row[3:], -scores[row[0]]))
            for row in rows[:k]
            if row[2] in documents
        ]

    def frequency(self, expression: str) -> int:
        """Count the passages that match."""
        row = (
            self._connection()
            .execute("SELECT count(*) FROM search WHERE search MATCH ?", (expression,))
            .fetchone()
        )
        return int(row[0])

    def size(self) -> int:
        """Count the passages."""
        return int(self._connection().execute("SELECT count(*) FROM passages").fetchone()[0])

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for connection in connections:
            connection.close()

    def _numbered(self, numbers: set[int]) -> dict[int, Document]:
        marks = ",".join("?" * len(numbers))
        rows = self._connection().execute(f"{_DOCUMENTS} WHERE d.number IN ({marks})", list(numbers))
        return {row[0]: _document(row) for row in rows}

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self._path)
            with self._lock:
                self._connections.append(connection)
                self._local.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Before SQLite makes it: its -wal and -shm files take the mode of this one.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # Closed by `Index.close`, from another thread.
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Fewer checkpoints while a collection is read: each waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA cache_size = -8000")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another may have done it while this one waited.
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            for table in ("search", "passages", "files", "documents"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM passages").fetchone()
    rows: list[tuple[Any, ...]] = []
    for entry in entries:
        first = last + len(rows) + 1
        added = connection.execute(
            "INSERT OR IGNORE INTO documents VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _document_row(entry, first),
        )
        # Another session may have read the same bytes meanwhile.
        if added.rowcount == 1:
            rows += _passage_rows(entry, first, added.lastrowid or 0)
    connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "INSERT INTO search (rowid, title, body) VALUES (?, ?, ?)", [(row[0], *row[7:]) for row in rows]
    )


def _document_row(entry: Entry, first: int) -> tuple[Any, ...]:
    parsed = entry.parsed or {}
    said = (parsed["title"], json.dumps(parsed["authors"]), parsed["year"], parsed["doi"], parsed["pages"])
    text, last = parsed["text"], first + len(parsed["spans"]) - 1
    return (entry.hash, entry.kind, *said, len(text), _packed(text), first, last)


def _passage_rows(entry: Entry, first: int, document: int) -> Iterator[tuple[Any, ...]]:
    parsed = entry.parsed or {}
    title, text = parsed["title"] or entry.path.stem, parsed["text"]
    for number, (start, stop, page, cell, heading) in enumerate(parsed["spans"], first):
        headed = f"{title} / {heading}" if heading and heading != title else title
        yield (number, document, start, stop, page, cell, heading, headed, text[start:stop])


def _file_row(entry: Entry) -> tuple[Any, ...]:
    stamp = json.dumps(entry.stamp)
    return (os.fsencode(entry.path), entry.name, stamp, entry.checked, entry.hash, entry.failure)


def _packed(text: str) -> str | bytes:
    return zlib.compress(text.encode("utf-8"), 1) if len(text) > _PACKED_FROM else text


def _unpacked(stored: str | bytes) -> str:
    return stored if isinstance(stored, str) else zlib.decompress(stored).decode("utf-8")


def _hashes(connection: sqlite3.Connection, paths: Iterable[tuple[bytes]]) -> set[str]:
    found = (connection.execute("SELECT hash FROM files WHERE path = ?", path).fetchone() for path in paths)
    return {row[0] for row in found if row is not None and row[0] is not None}


def _sweep(connection: sqlite3.Connection, hashes: Iterable[str]) -> None:
    """Drop those of the documents that no file holds any more."""
    for hash_ in hashes:
        if connection.execute("SELECT 1 FROM files WHERE hash = ?", (hash_,)).fetchone():
            continue
        row = connection.execute("SELECT first, last FROM documents WHERE hash = ?", (hash_,)).fetchone()
        if row is None:
            continue
        connection.execute(
            "INSERT INTO search (search, rowid, title, body)"
            " SELECT 'delete', id, title, body FROM passages WHERE id BETWEEN ? AND ?",
            row,
        )
        connection.execute("DELETE FROM passages WHERE id BETWEEN ? AND ?", row)
        connection.execute("DELETE FROM documents WHERE hash = ?", (hash_,))


def _digits(document_id: str) -> str:
    digits = document_id[1:]
    return digits if len(digits) == 16 and digits.isalnum() else "none"


def _document(row: Sequence[Any]) -> Document:
    _, hash_, kind, title, authors, year, doi, pages, chars, path, name = row
    place = Path(os.fsdecode(path))
    return Document(
        id=f"d{hash_.removeprefix('sha256:')[:16]}",
        path=place,
        name=name,
        kind=kind,
        title=title or place.stem,
        hash=hash_,
        authors=tuple(json.loads(authors)),
        year=year,
        doi=doi,
        pages=pages,
        chars=chars,
    )


def _passage(document: Document, row: Sequence[Any]) -> Passage:
    start, stop, body, page, cell, heading, score = row
    return Passage(
        document=document,
        start=start,
        end=stop,
        text=body,
        page=page,
        cell=cell,
        heading=heading,
        score=score,
    )


def now() -> int:
    """Give the time in nanoseconds, as files are stamped."""
    return time.time_ns()
