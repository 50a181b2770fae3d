"""Keep what online sources have given a session: searched like a library, cited as it was when it came."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..documents import Gathered, Passage, Text
from ..models import Hit
from ..models.words import stem_of, words
from ..report import Source
from ..sources.online import Found
from .cited import CitedTexts
from .shelf import hit_of


class Finds:
    """Hold the texts in the session's folder, also between its attempts. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._gathered = Gathered(folder / "found.sqlite")
        self._found = CitedTexts(folder, "found")
        self._cited = CitedTexts(folder)

    def keep(self, found: Sequence[Found]) -> list[Text]:
        """Take in what a search has given, and give its texts."""
        found = [one for one in found if one.text.strip()]
        texts = [_text(one) for one in found]
        self._gathered.add(texts)
        for one, text in zip(found, texts, strict=True):
            self._found.keep_source(_source(one, text), text.text)
        return texts

    def search(self, query: str, k: int) -> list[Hit]:
        """Search all that was given so far."""
        return [hit_of(passage) for passage in self.passages(query, k)]

    def passages(self, query: str, k: int) -> list[Passage]:
        """Give the passages that fit best, with all that is known of their documents."""
        return self._gathered.search(query, k)

    def size(self) -> int:
        """Count the passages."""
        return self._gathered.size()

    def frequency(self, term: str) -> int:
        """Count the passages that hold a term."""
        return self._gathered.frequency(term)

    def documents(self) -> int:
        """Count the documents."""
        return self._gathered.documents()

    def ids(self) -> list[str]:
        """Name the documents."""
        return self._gathered.ids()

    def cite(self, document_id: str) -> None:
        """Store the text of a document that is quoted, if it is one of these."""
        source, text = self._found.source(document_id), self._found.text(document_id)
        if source is not None and text is not None:
            self._cited.keep_source(source, text)

    def close(self) -> None:
        """Close the index; it opens again when used."""
        self._gathered.close()


class Seen:
    """Count words in the passages of one search: what others find meanwhile changes nothing."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._passages = [_stemmed(hit["text"]) for hit in hits]

    def size(self) -> int:
        """Count the passages."""
        return len(self._passages)

    def frequency(self, term: str) -> int:
        """Count the passages that hold a term, or words side by side, in any of their forms."""
        wanted = _stemmed(term)
        return sum(wanted in passage for passage in self._passages) if wanted.strip() else 0


def _stemmed(text: str) -> str:
    return f" {' '.join(stem_of(word) for word in words(text))} "


def ranked(texts: Sequence[Text], query: str, k: int) -> list[Hit]:
    """Rank the passages of one search among themselves: what others found meanwhile changes nothing."""
    with tempfile.TemporaryDirectory(prefix="jupyter-research-") as folder:
        index = Gathered(Path(folder) / "found.sqlite")
        try:
            index.add(texts)
            return [hit_of(passage) for passage in index.search(query, k)]
        finally:
            index.close()


def _text(found: Found) -> Text:
    return Text(
        name=found.url,
        kind=found.kind,
        title=found.title,
        text=found.text,
        authors=found.authors,
        year=found.year,
        doi=found.doi,
        pages=found.pages,
        spans=found.passages,
    )


def _source(found: Found, text: Text) -> Source:
    return Source(
        id=text.id,
        number=0,
        kind=found.kind,
        title=found.title or found.url,
        url=found.url,
        hash=text.hash,
        authors=found.authors,
        year=found.year,
        doi=found.doi,
        pages=found.pages,
        retracted=found.retracted,
    )
