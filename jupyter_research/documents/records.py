"""State what a library is made of: files, documents, passages, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """Name one file of a collection."""

    #: Absolute and with its links resolved; a path that is not is refused when it is opened.
    path: Path
    #: As people see it: relative to the root folder when beneath it.
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Describe one document that was read."""

    #: "d" and sixteen hex digits of the hash: the same wherever the file lies.
    id: str
    path: Path
    name: str
    kind: str
    title: str
    #: "sha256:" and the hex digest of the file's bytes.
    hash: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    pages: int | None = None
    #: Where it is clearly not English.
    language: str | None = None
    #: Length of the stored text in Unicode code points.
    chars: int = 0
    #: Whether a bibliography or the paper itself says who wrote what; what is no paper counts as identified.
    identified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Hold a stretch of a document: `text == stored_text[start:end]`."""

    document: Document
    start: int
    end: int
    text: str
    page: int | None = None
    cell: int | None = None
    heading: str | None = None
    #: The higher, the better it fits the query; 0 outside a search.
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Name a file that could not be read, and say why in one clause."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """Say what a refresh of the index did and what the library holds now."""

    read: int
    unchanged: int
    failures: tuple[Failure, ...]
    documents: tuple[Document, ...]
    #: "sha256:" over the sorted hashes of the documents: the same for the same evidence.
    hash: str
