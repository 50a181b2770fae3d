"""Hand on the library: documents parsed into passages, searched by SQLite."""

from .kinds import DOCUMENTS, KINDS, kind_of
from .library import Library
from .records import Document, Failure, FileRef, Indexed, Passage, Stopped
from .schema import IndexUnusable
from .sentences import sentences
from .shared import SharedLibrary

__all__ = [
    "DOCUMENTS",
    "KINDS",
    "Document",
    "Failure",
    "FileRef",
    "IndexUnusable",
    "Indexed",
    "Library",
    "Passage",
    "SharedLibrary",
    "Stopped",
    "kind_of",
    "sentences",
]
