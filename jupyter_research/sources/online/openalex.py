"""Search OpenAlex, a catalogue of publications that has wanted a key since 2026."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from .base import Found, Params, Unavailable, plain_line
from .terms import any_of
from .web import Web

_FIELDS: Final = "id,doi,display_name,authorships,publication_year,abstract_inverted_index,is_retracted"


class OpenAlex:
    """Ask OpenAlex for publications that have an abstract."""

    name: ClassVar[str] = "openalex"
    title: ClassVar[str] = "OpenAlex"
    description: ClassVar[str] = "Scholarly publications of all fields: abstracts, retractions. Needs a key."
    address: ClassVar[str] = "https://api.openalex.org"
    interval: ClassVar[float] = 0.1
    needs_key: ClassVar[bool] = True
    finds_pages: ClassVar[bool] = False

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/works"
        self._secret = {"api_key": key or ""}

    def search(self, query: str, k: int) -> list[Found]:
        """Give the publications that fit best."""
        asked: Params = {
            "search": any_of(query),
            "per-page": k,
            "filter": "has_abstract:true",
            "select": _FIELDS,
        }
        answer = self._web.get(self._api, asked, interval=self.interval, secret=self._secret).json()
        if "results" not in answer:
            raise Unavailable("it gave no result")
        return [_found(work) for work in answer["results"] if work.get("abstract_inverted_index")]


def _found(work: Mapping[str, Any]) -> Found:
    doi = (work.get("doi") or "").removeprefix("https://doi.org/") or None
    authors = (one.get("author", {}).get("display_name") for one in work.get("authorships", ()))
    return Found(
        url=work.get("doi") or work["id"],
        title=plain_line(work.get("display_name") or ""),
        text=_abstract(work["abstract_inverted_index"]),
        kind="article",
        authors=tuple(plain_line(name) for name in authors if name),
        year=work.get("publication_year"),
        doi=doi,
        retracted=bool(work.get("is_retracted")),
    )


def _abstract(index: Mapping[str, list[int]]) -> str:
    """Put an abstract together from the places of its words."""
    placed = sorted((place, word) for word, places in index.items() for place in places)
    return " ".join(word for _, word in placed)
