"""Hold a collection of documents: read what is new, search the passages, give the stored texts."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ..errors import SourceNotFound
from ..work import Control
from .bibliography import Bibliography
from .index import Index
from .opening import Stamp
from .query import match
from .reading import Outcome, Reading
from .records import Document, FileRef, Indexed, Passage
from .rows import Known
from .schema import is_broken

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, name: str) -> None:
    """Report nothing."""


class Library:
    """Search the documents among some files.

    Thread-safe; several libraries, also in several processes, may share one index file.
    """

    def __init__(
        self,
        index: Path,
        files: Sequence[FileRef],
        *,
        workers: int | None = None,
        about: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Name the index file, opened on first use, and the files of the collection.

        `about` is kept in the file, and says to those who find it what it is an index of.
        """
        self._path = index
        self._about = about
        self._index = Index(index)
        self._files = tuple({file.path: file for file in files}.values())
        self._workers = workers

    def refresh(self, *, progress: Progress = silent, control: Control | None = None) -> Indexed:
        """Read the files that are new or changed and forget those that are gone.

        `progress` is called in this thread with files done, files in all, and the last name. A cancel
        raises `SessionCancelled` at once, a drain `Halted` after the files in hand; what was read stays.
        """
        try:
            return self._read(progress, control or Control())
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            self._index.clear()
            return self._read(progress, control or Control())

    def _read(self, progress: Progress, control: Control) -> Indexed:
        self._index.describe(self._about)
        outcome = Reading(self._index, self._files, self._workers, progress, control).run()
        documents = self._index.documents()
        bibliography = Bibliography.beside(document.path for document in documents)
        found = ((one.hash, bibliography.find(one.path, one.title, one.doi)) for one in documents)
        if self._index.refer({hash_: reference for hash_, reference in found if reference is not None}):
            documents = self._index.documents()
        return self._indexed(outcome, documents)

    def _indexed(self, outcome: Outcome, documents: Sequence[Document]) -> Indexed:
        return Indexed(
            read=outcome.read,
            unchanged=outcome.unchanged,
            failures=tuple(sorted(outcome.failures, key=lambda failure: failure.name)),
            documents=tuple(documents),
            hash=_corpus_hash(documents),
        )

    def hashes(self) -> dict[Path, str]:
        """Give the content hashes of those files that are as they were when they were read."""
        if not self._path.exists():
            return {}
        known = self._index.known()
        found = ((file.path, _hash_of(file.path, known.get(os.fspath(file.path)))) for file in self._files)
        return {path: hash_ for path, hash_ in found if hash_ is not None}

    def search(self, query: str, k: int = 20) -> list[Passage]:
        """Give the k passages that fit the query best."""
        expression = match(query)
        return self._index.search(expression, k) if expression and k > 0 else []

    def text(self, document_id: str) -> str:
        """Give the stored text of a document; raise `SourceNotFound`."""
        text = self._index.text(document_id)
        if text is None:
            raise SourceNotFound(f"The library holds no document {document_id}.")
        return text

    def document(self, document_id: str) -> Document | None:
        """Give one document, None when there is none of that id."""
        return self._index.document(document_id)

    def documents(self) -> list[Document]:
        """Give all documents, by name."""
        return self._index.documents()

    def passages(self, document_id: str) -> list[Passage]:
        """Give all passages of one document, in order."""
        return self._index.passages(document_id)

    def frequency(self, term: str) -> int:
        """Count the passages that hold a term in any of its forms."""
        words = term.replace('"', " ").replace("\x00", " ").strip()
        return self._index.frequency(f'"{words}"') if words else 0

    def size(self) -> int:
        """Count the passages."""
        return self._index.size()

    def copy(self, target: Path) -> None:
        """Copy the index as it is at this moment, for another collection to go on from."""
        self._index.copy(target)

    def finish(self) -> None:
        """Leave one file behind that can be read where nothing can be written."""
        self._index.finish()

    def close(self) -> None:
        """Close the index; it opens again when used."""
        self._index.close()


def _hash_of(path: Path, known: Known | None) -> str | None:
    try:
        return known.hash if known is not None and known.still(Stamp.of(os.stat(path))) else None
    except OSError:
        return None


def _corpus_hash(documents: Sequence[Document]) -> str:
    joined = "\n".join(sorted(document.hash for document in documents))
    return f"sha256:{hashlib.sha256(joined.encode()).hexdigest()}"
