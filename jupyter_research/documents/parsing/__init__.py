"""Turn the bytes of one file into text; runs in child processes only."""

from __future__ import annotations

from collections.abc import Callable

from .parsed import Mark, NoEvidence, Parsed, Unreadable

__all__ = ["Mark", "NoEvidence", "Parsed", "Unreadable", "parse"]


def parse(data: bytes, kind: str) -> Parsed:
    """Parse a file of the given kind; raise `Unreadable` or `NoEvidence`."""
    if not data.strip(b"\x00 \t\r\n"):
        # Packages are full of empty modules: naming each would bury what matters.
        raise NoEvidence if kind == "python" else Unreadable("empty")
    parsed = _parser(kind)(data)
    if not parsed.text.strip():
        raise Unreadable("no text")
    return parsed


def _parser(kind: str) -> Callable[[bytes], Parsed]:
    if kind == "pdf":
        from .pdf import parse_pdf as parser
    elif kind == "docx":
        from .word import parse_docx as parser
    elif kind == "epub":
        from .book import parse_epub as parser
    elif kind == "html":
        from .web import parse_html as parser
    elif kind == "page":
        from .page import parse_page as parser
    elif kind == "notebook":
        from .notebook import parse_notebook as parser
    else:
        from . import plain

        plain_parsers = {
            "markdown": plain.parse_markdown,
            "rst": plain.parse_rst,
            "python": plain.parse_python,
        }
        parser = plain_parsers.get(kind, plain.parse_text)
    return parser
