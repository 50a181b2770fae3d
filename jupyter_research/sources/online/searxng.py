"""Search the web through a SearXNG of one's own, whose JSON format its administrator has to enable."""

from __future__ import annotations

from typing import ClassVar

from .base import Found, Params, Unavailable, plain_line
from .terms import keywords
from .web import Web


class Searxng:
    """Ask a SearXNG; its pages are then read where they are."""

    name: ClassVar[str] = "searxng"
    title: ClassVar[str] = "SearXNG"
    description: ClassVar[str] = "The web, through a SearXNG whose address an administrator has set."
    address: ClassVar[str] = ""
    interval: ClassVar[float] = 1.0
    needs_key: ClassVar[bool] = False
    finds_pages: ClassVar[bool] = True

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/search"

    def search(self, query: str, k: int) -> list[Found]:
        """Give the pages that fit best, each with what the search shows of it."""
        asked: Params = {"q": " ".join(keywords(query)), "format": "json"}
        answer = self._web.get(self._api, asked, interval=self.interval).json()
        if not isinstance(answer.get("results"), list):
            raise Unavailable("it gave no result")
        return [
            Found(url=hit["url"], title=plain_line(hit.get("title", "")), text=hit.get("content") or "")
            for hit in answer["results"][:k]
            if str(hit.get("url", "")).startswith(("http://", "https://"))
        ]
