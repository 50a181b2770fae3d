"""Search Crossref's register of publications; retractions come with it, from Retraction Watch too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from .base import Found, Params, Unavailable, markup_removed, plain_line
from .terms import keywords
from .web import Web

_FIELDS: Final = "DOI,title,author,abstract,issued,URL,updated-by"
_WITHDRAWN: Final = frozenset({"retraction", "withdrawal", "removal", "partial_retraction"})


class Crossref:
    """Ask Crossref for publications that have an abstract."""

    name: ClassVar[str] = "crossref"
    title: ClassVar[str] = "Crossref"
    description: ClassVar[str] = (
        "Scholarly publications of all fields that have a DOI: abstracts, retractions."
    )
    address: ClassVar[str] = "https://api.crossref.org"
    interval: ClassVar[float] = 1.0
    needs_key: ClassVar[bool] = False
    finds_pages: ClassVar[bool] = False

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/works"

    def search(self, query: str, k: int) -> list[Found]:
        """Give the publications that fit best."""
        asked: Params = {
            "query.bibliographic": " ".join(keywords(query)),
            "rows": k,
            "filter": "has-abstract:true",
            "select": _FIELDS,
        }
        answer = self._web.get(self._api, asked, interval=self.interval).json()
        if answer.get("status") != "ok":
            raise Unavailable("it gave no result")
        return [_found(item) for item in answer["message"]["items"] if item.get("abstract")]


def _found(item: Mapping[str, Any]) -> Found:
    title = plain_line((item.get("title") or [""])[0])
    updates = {str(update.get("type", "")).lower() for update in item.get("updated-by", ())}
    year = (item.get("issued", {}).get("date-parts") or [[None]])[0][0]
    return Found(
        url=f"https://doi.org/{item['DOI']}",
        title=title,
        text=markup_removed(item["abstract"]),
        kind="article",
        authors=tuple(name for one in item.get("author", ()) if (name := _name(one))),
        year=year if isinstance(year, int) else None,
        doi=item["DOI"],
        retracted=bool(updates & _WITHDRAWN) or title.upper().startswith(("RETRACTED:", "WITHDRAWN:")),
    )


def _name(author: Mapping[str, Any]) -> str:
    parts = [author.get("family"), author.get("given")]
    return plain_line(", ".join(part for part in parts if part) or author.get("name", ""))
