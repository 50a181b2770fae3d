"""Hand on the library: documents parsed into passages, searched by SQLite."""

from .kept import KeptIndex, forget, kept
from .kinds import DOCUMENTS, KINDS, PAPERS, kind_of
from .library import Library
from .records import Document, Failure, FileRef, Indexed, Passage, Stopped
from .schema import IndexUnusable
from .sentences import sentences
from .shared import SharedLibrary

__all__ = [
    "DOCUMENTS",
    "KINDS",
    "PAPERS",
    "Document",
    "Failure",
    "FileRef",
    "IndexUnusable",
    "Indexed",
    "KeptIndex",
    "Library",
    "Passage",
    "SharedLibrary",
    "Stopped",
    "forget",
    "kept",
    "kind_of",
    "sentences",
]
