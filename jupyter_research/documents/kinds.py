"""Tell a file's kind by its suffix."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

_SUFFIXES: Final = {
    "pdf": (".pdf",),
    "docx": (".docx",),
    "epub": (".epub",),
    "markdown": (".md", ".markdown"),
    "text": (".txt", ".text"),
    "rst": (".rst",),
    "html": (".html", ".htm", ".xhtml"),
    "python": (".py",),
    "notebook": (".ipynb",),
    "table": (".csv", ".tsv"),
    "code": (".c", ".cpp", ".go", ".h", ".java", ".jl", ".js", ".r", ".rs", ".sh", ".sql", ".tex", ".ts"),
}

#: Every suffix that can be read, with its kind.
KINDS: Final = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes}

#: The kinds that are read when nobody named a source: prose, not code.
DOCUMENTS: Final = frozenset({"pdf", "docx", "epub", "markdown", "text", "rst", "html"})

#: The kinds that say who wrote them, or else count as unidentified.
PAPERS: Final = frozenset({"pdf", "docx", "epub"})


def kind_of(path: PurePath) -> str | None:
    """Give the kind of a file, None when nothing here reads it."""
    return KINDS.get(path.suffix.lower())
