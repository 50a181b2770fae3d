"""Hold texts that came from elsewhere than files, searched like a library."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .index import Index
from .opening import Stamp
from .parsing.parsed import Mark, storable
from .passages import Span, cut
from .query import match
from .records import Passage
from .rows import Entry

_HEADING: Final = re.compile(r"(?m)^#{1,6} (.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Hold one text with what is known of it; lines that begin with `#` are its headings."""

    #: As people see where it is from: its address.
    name: str
    kind: str
    title: str
    text: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    pages: int | None = None
    #: Where its passages lie; empty where its headings say so.
    spans: tuple[Span, ...] = ()

    @property
    def hash(self) -> str:
        """Give the hash of the text as it is stored."""
        return f"sha256:{hashlib.sha256(storable(self.text).encode()).hexdigest()}"

    @property
    def id(self) -> str:
        """Give the id of the document that it becomes."""
        return f"d{self.hash.removeprefix('sha256:')[:16]}"


class Gathered:
    """Keep texts in an index of their own. Thread-safe."""

    def __init__(self, index: Path) -> None:
        self._path = index
        self._index = Index(index)

    def add(self, texts: Sequence[Text]) -> None:
        """Take texts in; one that is there already stays as it is."""
        # Two addresses may give the same text.
        new = [text for text in {text.id: text for text in texts}.values() if not self._index.has(text.hash)]
        if new:
            self._index.write([self._entry(text) for text in new])

    def search(self, query: str, k: int) -> list[Passage]:
        """Give the k passages that fit the query best."""
        expression = match(query)
        return self._index.search(expression, k) if expression and self._path.exists() else []

    def frequency(self, term: str) -> int:
        """Count the passages that hold a term in any of its forms."""
        words = term.replace('"', " ").replace("\x00", " ").strip()
        return self._index.frequency(f'"{words}"') if words and self._path.exists() else 0

    def size(self) -> int:
        """Count the passages."""
        return self._index.size() if self._path.exists() else 0

    def documents(self) -> int:
        """Count the texts."""
        return len(self.ids())

    def ids(self) -> list[str]:
        """Name the texts."""
        return [one.id for one in self._index.documents()] if self._path.exists() else []

    def close(self) -> None:
        """Close the index; it opens again when used."""
        self._index.close()

    def _entry(self, text: Text) -> Entry:
        content = storable(text.text)
        return Entry(
            path=Path("/", text.id),
            name=text.name,
            kind=text.kind,
            stamp=Stamp((len(content), 0, 0, 0)),
            checked=time.time_ns(),
            hash=text.hash,
            parsed={
                "text": content,
                "spans": list(text.spans) or cut(content, list(_marks(content))),
                "title": text.title,
                "authors": text.authors,
                "year": text.year,
                "doi": text.doi,
                "pages": text.pages,
                "language": None,
            },
        )


def _marks(text: str) -> Iterator[Mark]:
    yield Mark(start=0)
    for found in _HEADING.finditer(text):
        yield Mark(start=found.start(), heading=found[1], quotable=False)
        yield Mark(start=found.end(), heading=found[1])
