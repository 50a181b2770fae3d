"""Search arXiv through its API, which answers in Atom and wants three seconds between requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final
from xml.etree import ElementTree

from .base import Found, Params, Unavailable, plain_line
from .terms import keywords
from .web import Web

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_ARXIV: Final = "{http://arxiv.org/schemas/atom}"


class Arxiv:
    """Ask arXiv for preprints; the text is the abstract."""

    name: ClassVar[str] = "arxiv"
    title: ClassVar[str] = "arXiv"
    description: ClassVar[str] = "Preprints in physics, mathematics, computer science and more: abstracts."
    address: ClassVar[str] = "https://export.arxiv.org"
    interval: ClassVar[float] = 3.0
    needs_key: ClassVar[bool] = False
    finds_pages: ClassVar[bool] = False

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/api/query"

    def search(self, query: str, k: int) -> list[Found]:
        """Give the preprints that fit best."""
        wanted = " OR ".join(f'all:"{word}"' for word in keywords(query))
        asked: Params = {"search_query": wanted, "max_results": k, "sortBy": "relevance"}
        body = self._web.get(self._api, asked, interval=self.interval).body
        return [_found(entry) for entry in _entries(body) if _text(entry, f"{_ATOM}summary")]


def _entries(body: bytes) -> Iterator[ElementTree.Element]:
    try:
        # A document that declares entities is none of arXiv's, and may unpack to anything; one with zeros is
        # in an encoding in which such a declaration looks otherwise.
        feed = ElementTree.fromstring(b"" if b"<!DOCTYPE" in body or b"\0" in body else body)
    except ElementTree.ParseError:
        raise Unavailable("it answered with something that is no Atom") from None
    if feed.tag != f"{_ATOM}feed":
        raise Unavailable("it answered with something that is no Atom")
    return feed.iter(f"{_ATOM}entry")


def _found(entry: ElementTree.Element) -> Found:
    address = _text(entry, f"{_ATOM}id").replace("http://", "https://", 1)
    comment = _text(entry, f"{_ARXIV}comment").lower()
    return Found(
        url=address,
        title=plain_line(_text(entry, f"{_ATOM}title")),
        text=" ".join(_text(entry, f"{_ATOM}summary").split()),
        kind="article",
        authors=tuple(plain_line(_text(one, f"{_ATOM}name")) for one in entry.iter(f"{_ATOM}author")),
        year=int(_text(entry, f"{_ATOM}published")[:4] or 0) or None,
        doi=_text(entry, f"{_ARXIV}doi") or None,
        retracted="withdrawn" in comment,
    )


def _text(entry: ElementTree.Element, name: str) -> str:
    return (entry.findtext(name) or "").strip()
