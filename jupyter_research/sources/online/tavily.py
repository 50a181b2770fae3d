"""Search the web through Tavily, which wants a key."""

from __future__ import annotations

from typing import ClassVar

from .base import Found, Unavailable, plain_line
from .terms import keywords
from .web import Web


class Tavily:
    """Ask Tavily; its pages are then read where they are."""

    name: ClassVar[str] = "tavily"
    title: ClassVar[str] = "Tavily"
    description: ClassVar[str] = "The web, through Tavily. Needs a key."
    address: ClassVar[str] = "https://api.tavily.com"
    interval: ClassVar[float] = 0.6
    needs_key: ClassVar[bool] = True
    finds_pages: ClassVar[bool] = True

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        self._web = web
        self._api = f"{address}/search"
        self._headers = {"Authorization": f"Bearer {key}"}

    def search(self, query: str, k: int) -> list[Found]:
        """Give the pages that fit best, each with what the search shows of it."""
        asked = {"query": " ".join(keywords(query)), "max_results": min(k, 20), "search_depth": "basic"}
        answer = self._web.post(self._api, asked, interval=self.interval, headers=self._headers).json()
        if not isinstance(answer.get("results"), list):
            raise Unavailable("it gave no result")
        return [
            Found(url=hit["url"], title=plain_line(hit.get("title", "")), text=hit.get("content") or "")
            for hit in answer["results"]
            if str(hit.get("url", "")).startswith(("http://", "https://"))
        ]
