"""Search Europe PMC: the life sciences, PubMed included, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .base import Found, Params, Unavailable, markup_removed, plain_line
from .terms import any_of
from .web import Web


class EuropePmc:
    """Ask Europe PMC for publications that have an abstract."""

    name: ClassVar[str] = "europepmc"
    title: ClassVar[str] = "Europe PMC"
    description: ClassVar[str] = "Publications of the life sciences, PubMed included: abstracts, retractions."
    address: ClassVar[str] = "https://www.ebi.ac.uk"
    interval: ClassVar[float] = 0.5
    needs_key: ClassVar[bool] = False
    finds_pages: ClassVar[bool] = False

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/europepmc/webservices/rest/search"

    def search(self, query: str, k: int) -> list[Found]:
        """Give the publications that fit best."""
        asked: Params = {
            "query": f"({any_of(query)}) AND (HAS_ABSTRACT:y)",
            "resultType": "core",
            "format": "json",
            "pageSize": k,
        }
        answer = self._web.get(self._api, asked, interval=self.interval).json()
        if "resultList" not in answer:
            raise Unavailable(plain_line(str(answer.get("errMsg", "it gave no result")))[:200])
        return [_found(one) for one in answer["resultList"]["result"] if one.get("abstractText")]


def _found(one: Mapping[str, Any]) -> Found:
    kinds = one.get("pubTypeList", {}).get("pubType", ())
    authors = one.get("authorList", {}).get("author", ())
    year = str(one.get("pubYear", ""))
    return Found(
        url=f"https://europepmc.org/article/{one['source']}/{one['id']}",
        title=plain_line(one.get("title", "")).removesuffix("."),
        text=markup_removed(one["abstractText"]),
        kind="article",
        authors=tuple(plain_line(author["fullName"]) for author in authors if author.get("fullName")),
        year=int(year) if year.isdecimal() else None,
        doi=one.get("doi"),
        retracted="retracted publication" in {str(kind).lower() for kind in kinds},
    )
