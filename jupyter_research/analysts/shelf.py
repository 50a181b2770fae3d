"""Open the library of a session, and put what it gives into the shape that models take."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..documents import Document, Indexed, Library, Passage
from ..documents.records import FileRef
from ..errors import NoDocuments
from ..models import Hit, foreign_language
from ..sources import resolve
from ..work import Place, Work
from .cited import CitedTexts
from .options import Options
from .progress import Progress

#: How many documents of a library are looked at to find out its languages.
_LOOKED_AT: Final = 300


class Shelf:
    """Hold the library of one session: read it, search it, store what is cited of it."""

    def __init__(self, work: Work, options: Options, indexes: Path, workers: int | None) -> None:
        self._work = work
        self._sources = options.sources
        self._index = indexes / f"{collection(work.owner, work.place, options.sources)}.sqlite"
        self._workers = workers
        self._library = Library(self._index, (), workers=workers)
        self._cited = CitedTexts(work.folder)
        self._documents: dict[str, Document] = {}
        self._frequencies: dict[str, int] = {}
        self._lock = threading.Lock()
        self._size: int | None = None
        self._indexed: Indexed | None = None

    @property
    def files(self) -> list[FileRef]:
        """Find the files that the session's sources name."""
        return resolve(self._sources, self._work.place)

    def read(self, progress: Progress) -> Indexed:
        """Read what is new among the files; once for each attempt.

        Raises:
            NoDocuments: when there is nothing to read, with lines to copy.
            Stopped: when a drain was asked for.
        """
        if self._indexed is not None:
            return self._indexed
        progress.say("Looking for documents", "READ_LIBRARY")
        files = self.files
        if not files:
            raise NoDocuments(nothing_found(self._sources, ()))
        self._index.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._library.close()
        self._library = Library(self._index, files, workers=self._workers)
        indexed = self._library.refresh(progress=progress.reading, control=self._work.control)
        if not indexed.documents:
            raise NoDocuments(
                nothing_found(self._sources, [f"{one.name}: {one.reason}" for one in indexed.failures])
            )
        self._documents = {document.id: document for document in indexed.documents}
        self._indexed = indexed
        return indexed

    def languages(self) -> dict[str, int]:
        """Count the documents that are clearly not in English, by language, in an even sample."""
        documents = sorted(self._documents.values(), key=lambda document: document.id)
        sample = documents[:: 1 + len(documents) // _LOOKED_AT]
        found = Counter(foreign_language(self._library.text(document.id)) for document in sample)
        return {language: number for language, number in found.most_common() if language is not None}

    def reopen(self, progress: Progress) -> None:
        """Make sure that a resumed session finds what had been read, should the index be gone."""
        if not self._library.size():
            self.read(progress)

    def search(self, query: str, k: int) -> list[Hit]:
        """Give the passages that fit best."""
        return [_hit(passage) for passage in self._library.search(query, k)]

    def size(self) -> int:
        """Count the passages."""
        if self._size is None:
            self._size = self._library.size()
        return self._size

    def frequency(self, term: str) -> int:
        """Count the passages that hold a term; each term is looked up once."""
        known = self._frequencies.get(term)
        if known is None:
            known = self._frequencies[term] = self._library.frequency(term)
        return known

    def cite(self, document_id: str) -> None:
        """Store the text of a document that is quoted."""
        document = self._document(document_id)
        if document is not None:
            self._cited.keep(document, self._library.text(document_id), self._work.place)

    def close(self) -> None:
        """Close the library."""
        self._library.close()

    def _document(self, document_id: str) -> Document | None:
        with self._lock:
            if document_id not in self._documents:
                self._documents = {document.id: document for document in self._library.documents()}
            return self._documents.get(document_id)


def _hit(passage: Passage) -> Hit:
    return {
        "document": passage.document.id,
        "title": passage.document.title,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "page": passage.page,
        "cell": passage.cell,
        "heading": passage.heading,
        "score": passage.score,
    }


def collection(owner: str, place: Place, sources: Sequence[str]) -> str:
    """Name the index of a collection: one for each owner, folder and list of sources."""
    libraries = {name: str(path) for name, path in place.libraries.items() if name in sources}
    named = [owner, place.guest, str(place.root), os.fspath(place.folder), list(sources), libraries]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:32]


def nothing_found(sources: Sequence[str], failures: Sequence[str]) -> str:
    """Say that there is nothing to read, with lines to copy."""
    where = ", ".join(sources) if sources else "this folder"
    failed = f" ({'; '.join(failures[:3])}{'; …' if len(failures) > 3 else ''})" if failures else ""
    return (
        f"No readable document was found in {where}{failed}: name a folder that has some with "
        "`--source papers/`, try our own documentation with `--source example`, or ask a language model with "
        "`--model provider:name`."
    )
