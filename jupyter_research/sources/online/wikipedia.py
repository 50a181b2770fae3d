"""Search Wikipedia through its Action API: one request for the titles, one for each article that is read."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from .base import Found, Params, Unavailable
from .terms import any_of
from .web import Web

_HEADING: Final = re.compile(r"(?m)^(={2,6})\s*(.+?)\s*\1\s*$")
#: Of how many articles the whole text is read.
_READ: Final = 4


class Wikipedia:
    """Ask a Wikipedia; another language is another address."""

    name: ClassVar[str] = "wikipedia"
    title: ClassVar[str] = "Wikipedia"
    description: ClassVar[str] = "Articles of the English Wikipedia."
    address: ClassVar[str] = "https://en.wikipedia.org"
    interval: ClassVar[float] = 0.2
    needs_key: ClassVar[bool] = False
    finds_pages: ClassVar[bool] = False

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/w/api.php"

    def search(self, query: str, k: int) -> list[Found]:
        """Give the articles that fit best."""
        asked: Params = {"list": "search", "srsearch": any_of(query), "srlimit": min(k, _READ), "srprop": ""}
        ids = [hit["pageid"] for hit in self._query(asked)["search"]]
        found = (self._article(number) for number in ids)
        return [one for one in found if one.text]

    def _article(self, number: int) -> Found:
        asked: Params = {"prop": "extracts|info", "explaintext": 1, "inprop": "url", "pageids": number}
        [page] = self._query(asked)["pages"]
        # The revision's own address: an article changes under its name.
        url = f"{page['fullurl']}?oldid={page['lastrevid']}"
        text = _HEADING.sub(lambda match: f"{'#' * len(match[1])} {match[2]}", page.get("extract", ""))
        return Found(url=url, title=page["title"], text=text)

    def _query(self, asked: Params) -> Any:
        always: Params = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5}
        answer = self._web.get(self._api, {**always, **asked}, interval=self.interval).json()
        if "query" not in answer:
            raise Unavailable(str(answer.get("error", {}).get("info", "it gave no result"))[:200])
        return answer["query"]
