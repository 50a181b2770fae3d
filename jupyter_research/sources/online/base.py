"""State what an online source is, and what it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from ...documents import Span

if TYPE_CHECKING:
    from .web import Web

#: The parameters of a request.
Params = dict[str, str | int]

_TAG: Final = re.compile(r"<[^<>]*>")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}


class Unavailable(Exception):
    """The service did not answer, or not as it should; one clause says what was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Hold one document that a source gave: the text that can be quoted, and what it is."""

    #: Where a reader finds it.
    url: str
    title: str
    text: str
    #: "article" or "web".
    kind: str = "web"
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    pages: int | None = None
    #: Withdrawn by its journal or its authors, as the source says.
    retracted: bool = False
    #: Where its passages lie, each with page and heading, where a parser has found that out.
    passages: tuple[Span, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object."""
        return {
            **asdict(self),
            "authors": list(self.authors),
            "passages": [list(span) for span in self.passages],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Found:
        """Read the JSON object."""
        passages = tuple(Span(*one) for one in data.get("passages", ()))
        return cls(**{**data, "authors": tuple(data["authors"]), "passages": passages})


class OnlineSource(Protocol):
    """Ask one service; made for each session, by the class that stands behind its entry point."""

    #: As it is named in `sources`: lower-case letters and digits.
    name: ClassVar[str]
    #: As people call it.
    title: ClassVar[str]
    #: One sentence for those who choose.
    description: ClassVar[str]
    #: Where the service is; empty where only an administrator knows.
    address: ClassVar[str]
    #: Seconds between two requests, as the service asks.
    interval: ClassVar[float]
    #: Whether it answers only with a key.
    needs_key: ClassVar[bool]
    #: Whether it finds pages that have to be read elsewhere.
    finds_pages: ClassVar[bool]

    def __init__(self, web: Web, address: str, key: str | None) -> None:
        """Take the session's client, the service's address and the key, if there is one."""

    def search(self, query: str, k: int) -> list[Found]:
        """Give at most k documents; raise `Unavailable` when the service does not answer."""


def plain_line(text: str) -> str:
    """Give a text in one line without markup: a title, a name."""
    return " ".join(markup_removed(text).split())


def markup_removed(text: str) -> str:
    """Take tags and entities out of a text that a service gave as markup."""
    text = re.sub(r"</(?:jats:)?(?:p|sec|title|h\d)>", "\n\n", text)
    text = _TAG.sub("", text)
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    return re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", text).strip()
