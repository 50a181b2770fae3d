"""Make a query of few words out of what a model says to search for."""

from __future__ import annotations

import re
from typing import Final

from ...documents.query import terms

#: More words find less: services rank by the words that a document has, or want them all.
_MOST: Final = 8
_WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


def keywords(query: str) -> list[str]:
    """Give the words of a query that carry meaning, each once, the first of them only."""
    meant = {word.casefold() for word in terms(query)}
    found = (
        word for word in _WORD.findall(query) if any(part.casefold() in meant for part in word.split("-"))
    )
    return list({word.casefold(): word for word in found}.values())[:_MOST]


def any_of(query: str) -> str:
    """Give the query for services that would want all the words otherwise."""
    return " OR ".join(keywords(query))
