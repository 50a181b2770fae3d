"""Hand on the library: documents parsed into passages, searched by SQLite."""

from .gathered import Gathered, Text
from .kept import KeptIndex, forget, kept
from .kinds import DOCUMENTS, KINDS, PAPERS, kind_of
from .library import Library
from .passages import Span
from .records import Document, Failure, FileRef, Indexed, Passage
from .schema import IndexUnusable
from .sentences import sentences
from .shared import SharedLibrary
from .single import parse_bytes

__all__ = [
    "DOCUMENTS",
    "KINDS",
    "PAPERS",
    "Document",
    "Failure",
    "FileRef",
    "Gathered",
    "IndexUnusable",
    "Indexed",
    "KeptIndex",
    "Library",
    "Passage",
    "SharedLibrary",
    "Span",
    "Text",
    "forget",
    "kept",
    "kind_of",
    "parse_bytes",
    "sentences",
]
