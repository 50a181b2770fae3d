"""Hand on the library: documents parsed into passages, searched by SQLite."""

from .kinds import DOCUMENTS, KINDS, kind_of
from .library import Library
from .records import Document, Failure, FileRef, Indexed, Passage, Stopped
from .sentences import sentences

__all__ = [
    "DOCUMENTS",
    "KINDS",
    "Document",
    "Failure",
    "FileRef",
    "Indexed",
    "Library",
    "Passage",
    "Stopped",
    "kind_of",
    "sentences",
]
