"""Keep the texts that a session cites in the session's own folder, as they were when they were cited.

A file may change or go; what a citation's span counts in stays.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path
from typing import Final

from ..documents import Document
from ..report import Source
from ..work import Place

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


class CitedTexts:
    """Store text and description of each cited document. Thread-safe: files appear whole or not at all."""

    def __init__(self, folder: Path, name: str = "sources") -> None:
        self._folder = folder / name

    def keep(self, document: Document, text: str, place: Place) -> None:
        """Store a document's text, once."""
        self.keep_source(_described(document, self._path(document, place)), text)

    def keep_source(self, source: Source, text: str) -> None:
        """Store a text with its description, once."""
        description = self._folder / f"{source.id}.json"
        if description.exists():
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # Bytes, so that no line end changes; a text may hold half a surrogate pair where a parser found one.
        _write(self._folder / f"{source.id}.txt", text.encode("utf-8", "surrogatepass"))
        _write(description, json.dumps(source.to_json()).encode())

    def _path(self, document: Document, place: Place) -> str:
        """Give a document's path as the report shows it; one that came with the request has a name alone."""
        given = document.path.is_relative_to(os.path.realpath(self._folder.parent))
        return document.name if given else _shown(document.path, place)

    def text(self, source_id: str) -> str | None:
        """Give a stored text, None when nothing of that id is stored."""
        if not _ID.fullmatch(source_id):
            return None
        try:
            stored = (self._folder / f"{source_id}.txt").read_bytes()
        except FileNotFoundError:
            return None
        return stored.decode("utf-8", "surrogatepass")

    def source(self, source_id: str) -> Source | None:
        """Give the description of a stored text, not numbered yet."""
        if not _ID.fullmatch(source_id):
            return None
        try:
            return Source.from_json(json.loads((self._folder / f"{source_id}.json").read_bytes()))
        except FileNotFoundError:
            return None


def _described(document: Document, path: str) -> Source:
    return Source(
        id=document.id,
        number=0,
        kind=document.kind,
        title=document.title or document.name,
        path=path,
        hash=document.hash,
        authors=document.authors,
        year=document.year,
        doi=document.doi,
        pages=document.pages,
    )


def _shown(path: Path, place: Place) -> str:
    """Give a path as the report shows it: relative to the root, or to the folder where there is no root."""
    base = Path(os.path.realpath(place.root if place.root is not None else place.folder))
    shown = path.relative_to(base) if path.is_relative_to(base) else path
    return os.fsencode(shown).decode("utf-8", "replace")


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    os.replace(temporary, path)
