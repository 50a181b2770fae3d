"""Turn what was read into rows of the index, and rows into documents and passages."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .kinds import PAPERS
from .opening import Stamp
from .records import Document, Passage

#: The columns that `document` takes: the bibliography's word goes before the document's own.
DOCUMENTS: Final = """
SELECT d.number, d.hash, d.kind, coalesce(r.title, d.title), coalesce(nullif(r.authors, '[]'), d.authors),
    coalesce(r.year, d.year), coalesce(r.doi, d.doi), d.pages, d.language, d.chars, f.path, f.name,
    r.hash IS NOT NULL
FROM documents d JOIN files f
ON f.path = (SELECT path FROM files WHERE hash = d.hash ORDER BY name, path LIMIT 1)
LEFT JOIN reference_entries r ON r.hash = d.hash
"""

#: A shorter text gains nothing by being compressed.
_PACKED_FROM: Final = 8192

#: Two writes within this many nanoseconds can bear the same time: such a stamp proves nothing.
_RACE: Final = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Say what the index knows of a file."""

    stamp: Stamp
    checked: int
    hash: str | None
    failure: str | None

    @classmethod
    def from_row(cls, stamp: str, checked: int, hash_: str | None, failure: str | None) -> Known:
        """Read a row of the table of files."""
        return cls(stamp=Stamp(json.loads(stamp)), checked=checked, hash=hash_, failure=failure)

    def still(self, stamp: Stamp) -> bool:
        """Tell whether a file that bears this stamp now is the one that was read."""
        return self.stamp == stamp and stamp[1] < self.checked - _RACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Hold what is to be written about one file; `parsed` is the child's answer when it is new."""

    path: Path
    name: str
    kind: str
    stamp: Stamp
    #: The time of the reading in nanoseconds.
    checked: int
    hash: str | None
    failure: str | None = None
    parsed: Mapping[str, Any] | None = None

    def file_row(self) -> tuple[Any, ...]:
        """Give the row of the file."""
        stamp = json.dumps(self.stamp)
        return (os.fsencode(self.path), self.name, stamp, self.checked, self.hash, self.failure)

    def document_row(self, first: int) -> tuple[Any, ...]:
        """Give the row of the document, whose passages are numbered from `first`."""
        parsed = self.parsed or {}
        text, last = parsed["text"], first + len(parsed["spans"]) - 1
        said = (
            parsed["title"],
            json.dumps(parsed["authors"]),
            parsed["year"],
            parsed["doi"],
            parsed["pages"],
            parsed["language"],
        )
        return (self.hash, self.kind, *said, len(text), _packed(text), first, last)

    def passage_rows(self, first: int, document: int) -> Iterator[tuple[Any, ...]]:
        """Give the rows of the passages; the heading is searched with the title."""
        parsed = self.parsed or {}
        title, text = parsed["title"] or self.path.stem, parsed["text"]
        for number, (start, stop, page, cell, heading) in enumerate(parsed["spans"], first):
            headed = f"{title} / {heading}" if heading and heading != title else title
            yield (number, document, start, stop, page, cell, heading, headed, text[start:stop])


def document(row: Sequence[Any]) -> Document:
    """Read a row of `DOCUMENTS`."""
    _, hash_, kind, title, authors, year, doi, pages, language, chars, path, name, referred = row
    place, names = Path(os.fsdecode(path)), tuple(json.loads(authors))
    return Document(
        id=f"d{hash_.removeprefix('sha256:')[:16]}",
        path=place,
        name=name,
        kind=kind,
        title=title or (f"{place.stem} (unidentified)" if kind in PAPERS else place.stem),
        hash=hash_,
        authors=names,
        year=year,
        doi=doi,
        pages=pages,
        language=language,
        chars=chars,
        identified=bool(referred or kind not in PAPERS or (title and (names or doi))),
    )


def passage(of: Document, row: Sequence[Any]) -> Passage:
    """Read start, stop, body, page, cell, heading and score."""
    start, stop, body, page, cell, heading, score = row
    return Passage(
        document=of, start=start, end=stop, text=body, page=page, cell=cell, heading=heading, score=score
    )


def hash_pattern(document_id: str) -> str:
    """Give the pattern of the hashes that a document's id stands for."""
    digits = document_id[1:]
    return f"sha256:{digits}*" if len(digits) == 16 and digits.isalnum() else "none"


def unpacked(stored: str | bytes) -> str:
    """Read a stored text."""
    return stored if isinstance(stored, str) else zlib.decompress(stored).decode("utf-8")


def _packed(text: str) -> str | bytes:
    return zlib.compress(text.encode("utf-8"), 1) if len(text) > _PACKED_FROM else text
