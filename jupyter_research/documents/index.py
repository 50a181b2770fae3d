"""Keep documents and their passages in one SQLite file per collection, with a full-text index.

Several threads and processes may use the file at once: one connection per thread, WAL,
and each batch of documents in one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from . import rows, schema
from .bibliography import Reference
from .records import Document, Passage
from .rows import Entry, Known


class Index:
    """Read and write one collection's file, opened on first use."""

    def __init__(
        self,
        path: Path,
        connect: Callable[[Path], sqlite3.Connection] = schema.connect,
        seen: Callable[[Document], Document] = lambda document: document,
    ) -> None:
        """Take the file, how it is opened, and how its documents are named to whoever asks."""
        self._path = path
        self._connect = connect
        self._seen = seen
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []

    def known(self) -> dict[str, Known]:
        """Give what is known of every file, by its path."""
        found = self._select("SELECT path, stamp, checked, hash, failure FROM files")
        return {os.fsdecode(path): Known.from_row(*row) for path, *row in found}

    def has(self, hash_: str) -> bool:
        """Tell whether a document with these bytes is there."""
        return bool(self._select("SELECT 1 FROM documents WHERE hash = ?", hash_))

    def write(self, entries: Sequence[Entry], gone: Iterable[str] = ()) -> None:
        """Write a batch in one transaction, and drop the documents that no file holds any more."""
        with self._transaction() as connection:
            paths = [(os.fsencode(path),) for path in (*gone, *(os.fspath(entry.path) for entry in entries))]
            left = _hashes(connection, paths)
            connection.executemany("DELETE FROM files WHERE path = ?", paths)
            _insert(connection, [entry for entry in entries if entry.parsed is not None])
            kept = [entry.file_row() for entry in entries if _is_backed(connection, entry)]
            connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", kept)
            _sweep(connection, left)

    def refer(self, references: Mapping[str, Reference]) -> bool:
        """Keep what bibliographies say of documents, by their hashes; tell whether that is new."""
        wanted = {
            hash_: (hash_, one.title, json.dumps(one.authors), one.year, one.doi)
            for hash_, one in references.items()
        }
        if set(wanted.values()) == set(self._select("SELECT * FROM reference_entries")):
            return False
        with self._transaction() as connection:
            connection.execute("DELETE FROM reference_entries")
            connection.executemany("INSERT INTO reference_entries VALUES (?, ?, ?, ?, ?)", wanted.values())
        return True

    def describe(self, about: Mapping[str, str]) -> None:
        """Keep what the index is about, for those who look at the file alone."""
        if about.items() <= self.about().items():
            return
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())

    def about(self) -> dict[str, str]:
        """Give what the index is about."""
        return dict(self._select("SELECT what, value FROM about"))

    def copy(self, target: Path) -> None:
        """Copy the index as it is at this moment."""
        schema.copy(self._connection(), target)

    def documents(self) -> list[Document]:
        """Give all documents, by name."""
        found = (self._seen(rows.document(row)) for row in self._select(rows.DOCUMENTS))
        return sorted(found, key=lambda one: one.name)

    def document(self, document_id: str) -> Document | None:
        """Give one document."""
        found = self._select(f"{rows.DOCUMENTS} WHERE d.hash GLOB ?", rows.hash_pattern(document_id))
        return self._seen(rows.document(found[0])) if found else None

    def text(self, document_id: str) -> str | None:
        """Give the stored text of a document."""
        found = self._select(
            "SELECT coalesce(text, (SELECT body FROM passages WHERE id = first)) FROM documents"
            " WHERE hash GLOB ?",
            rows.hash_pattern(document_id),
        )
        return rows.unpacked(found[0][0]) if found else None

    def passages(self, document_id: str) -> list[Passage]:
        """Give the passages of a document, in order."""
        pattern = rows.hash_pattern(document_id)
        found = self._select(
            "SELECT document, start, stop, body, page, cell, heading, 0.0 FROM passages"
            " WHERE id BETWEEN (SELECT first FROM documents WHERE hash GLOB ?1)"
            " AND (SELECT last FROM documents WHERE hash GLOB ?1) ORDER BY id",
            pattern,
        )
        documents = self._numbered({row[0] for row in found})
        return [rows.passage(documents[number], row) for number, *row in found if number in documents]

    def search(self, expression: str, k: int) -> list[Passage]:
        """Give the k best passages; equal scores stand in the order of the documents' hashes."""
        # Twice as many, sorted here: row ids depend on which child was faster.
        scores: dict[int, float] = dict(
            self._select(
                "SELECT rowid, bm25(search, 2.0, 1.0) AS score FROM search WHERE search MATCH ?"
                " ORDER BY score LIMIT ?",
                expression,
                2 * k,
            )
        )
        found = self._select(
            "SELECT p.id, d.hash, d.number, p.start, p.stop, p.body, p.page, p.cell, p.heading"
            f" FROM passages p JOIN documents d ON d.number = p.document WHERE p.id IN ({_marks(scores)})",
            *scores,
        )
        best = sorted(found, key=lambda row: (scores[row[0]], row[1], row[3]))[:k]
        documents = self._numbered({row[2] for row in best})
        return [
            rows.passage(documents[number], (*row, -scores[id_]))
            for id_, _, number, *row in best
            if number in documents
        ]

    def frequency(self, expression: str) -> int:
        """Count the passages that match."""
        return int(self._select("SELECT count(*) FROM search WHERE search MATCH ?", expression)[0][0])

    def size(self) -> int:
        """Count the passages."""
        return int(self._select("SELECT count(*) FROM passages")[0][0])

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for connection in connections:
            connection.close()

    def finish(self) -> None:
        """Close, and leave the file alone behind, without a log beside it."""
        self.close()
        with closing(self._connect(self._path)) as connection:
            schema.still(connection)

    def clear(self) -> None:
        """Take the file away: the next use makes it anew."""
        self.close()
        schema.remove(self._path)

    def _numbered(self, numbers: set[int]) -> dict[int, Document]:
        found = self._select(f"{rows.DOCUMENTS} WHERE d.number IN ({_marks(numbers)})", *numbers)
        return {row[0]: self._seen(rows.document(row)) for row in found}

    def _select(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection().execute(statement, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect(self._path)
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


def _marks(values: Iterable[Any]) -> str:
    return ",".join("?" for _ in values)


def _insert(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM passages").fetchone()
    added: list[tuple[Any, ...]] = []
    for entry in entries:
        first = last + len(added) + 1
        cursor = connection.execute(
            "INSERT OR IGNORE INTO documents VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entry.document_row(first),
        )
        # Another session may have read the same bytes meanwhile.
        if cursor.rowcount == 1:
            added += entry.passage_rows(first, cursor.lastrowid or 0)
    connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", added)
    connection.executemany(
        "INSERT INTO search (rowid, title, body) VALUES (?, ?, ?)", [(row[0], *row[7:]) for row in added]
    )


def _is_backed(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Tell whether the entry's document is there: another session may have dropped one that was known."""
    if entry.hash is None or entry.parsed is not None:
        return True
    return connection.execute("SELECT 1 FROM documents WHERE hash = ?", (entry.hash,)).fetchone() is not None


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
