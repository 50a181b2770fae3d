"""Open the library of a session, and put what it gives into the shape that models take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..documents import Document, FileRef, Indexed, Passage
from ..errors import NoDocuments
from ..models import Hit
from ..work import Work
from .cited import CitedTexts
from .collection import Collection
from .progress import Progress


class Shelf:
    """Hold the library of one session: read it, search it, store what is cited of it."""

    def __init__(self, work: Work, indexes: Path, workers: int | None = None) -> None:
        self._work = work
        self._collection = Collection.of(work, indexes)
        #: Whether there is a library at all.
        self.wanted = self._collection.wanted
        self._workers = workers
        self._library = self._collection.open((), workers=workers)
        self._cited = CitedTexts(work.folder)
        self._frequencies: dict[str, int] = {}
        self._size: int | None = None
        self._indexed: Indexed | None = None

    def read(self, progress: Progress) -> Indexed:
        """Read what is new among the files; once for each attempt.

        Raises:
            NoDocuments: when there is nothing to read, with lines to copy.
            Halted: when a drain was asked for.
        """
        if self._indexed is None:
            progress.say("Looking for documents", "READ_LIBRARY")
            files = self._collection.files()
            if files:
                progress.begin(len(files), self._collection.where)
            self._indexed = self._read(files, progress.reading)
        return self._indexed

    def _read(self, files: Sequence[FileRef], progress: Callable[[int, int, str], None]) -> Indexed:
        if not files and self.wanted:
            raise NoDocuments(nothing_found(self._collection.sources, ()))
        self._library.close()
        self._library = self._collection.open(files, workers=self._workers)
        indexed = self._library.refresh(progress=progress, control=self._work.control)
        if not indexed.documents and self.wanted:
            failures = [f"{one.name}: {one.reason}" for one in indexed.failures]
            raise NoDocuments(nothing_found(self._collection.sources, failures))
        return indexed

    def reopen(self, progress: Callable[[int, int, str], None]) -> None:
        """Make sure that what had been read is found, should the index be gone."""
        if self.wanted and not self._library.size():
            self._read(self._collection.files(), progress)

    def search(self, query: str, k: int) -> list[Hit]:
        """Give the passages that fit best."""
        return [hit_of(passage) for passage in self.passages(query, k)]

    def passages(self, query: str, k: int) -> list[Passage]:
        """Give the passages that fit best, with all that is known of their documents."""
        return self._library.search(query, k)

    def documents(self) -> list[Document]:
        """Give all documents."""
        return self._library.documents()

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
        document = self._library.document(document_id)
        if document is not None:
            self._cited.keep(document, self._library.text(document_id), self._work.place)

    def close(self) -> None:
        """Close the library."""
        self._library.close()


def hit_of(passage: Passage) -> Hit:
    """Put a passage into the shape that models take."""
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


def nothing_found(sources: Sequence[str], failures: Sequence[str]) -> str:
    """Say that there is nothing to read, with lines to copy."""
    where = ", ".join(sources) if sources else "this folder"
    failed = f" ({'; '.join(failures[:3])}{'; …' if len(failures) > 3 else ''})" if failures else ""
    return (
        f"No readable document was found in {where}{failed}: name a folder that has some with "
        "`--source papers/`, try our own documentation with `--source example`, or ask a language model with "
        "`--model provider:name`."
    )
