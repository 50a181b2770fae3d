"""Ask the online sources of a session through the ledger, and keep what they give."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..documents import Span, parse_bytes
from ..documents.parsing import Unreadable
from ..documents.parsing.parsed import storable
from ..guard import host_of
from ..ledger import Ledger
from ..models import Hit
from ..sources.online import PAGES, Catalogue, Found, OnlineSource, Unavailable, is_address
from ..work import Work
from .finds import Finds, ranked
from .progress import Progress

if TYPE_CHECKING:
    from ..sources.online.web import Web

T = TypeVar("T")

log = logging.getLogger(__name__)

#: How many documents one search asks for, and how many pages of them are read.
DOCUMENTS: Final = 10
PAGES_READ: Final = 4
#: What is kept of one text, in characters.
_LONGEST: Final = 400_000
_KINDS: Final = {
    "text/html": "page",
    "application/xhtml+xml": "page",
    "application/pdf": "pdf",
    "text/plain": "text",
    "text/markdown": "markdown",
}


class Online:
    """Search the sources that the session names, each through its own client. Thread-safe."""

    def __init__(
        self, work: Work, sources: Sequence[str], catalogue: Catalogue, ledger: Ledger, progress: Progress
    ) -> None:
        self._work = work
        self._catalogue = catalogue
        self._progress = progress
        self._opened: Web | None = None
        self._ledger = ledger
        self._pages = [name for name in sources if is_address(name)]
        self._made: dict[str, OnlineSource] = {}
        self._dead: dict[str, str] = {}
        self._lock = threading.Lock()
        #: What they have given.
        self.finds = Finds(work.folder)
        progress.searched(self.finds.ids())
        #: The names of what is searched.
        self.names = [name for name in sources if not is_address(name)] + [PAGES] * bool(self._pages)

    def title(self, name: str) -> str:
        """Give a source's name as people call it."""
        if name == PAGES:
            return ", ".join(host_of(page) for page in self._pages)
        return self._catalogue.title(name)

    def titles(self) -> list[str]:
        """Give the names of all sources as people call them."""
        return [self.title(name) for name in self.names]

    def find(self, name: str, step: str, query: str, k: int) -> list[Hit]:
        """Ask one source and give the passages that fit best; none when it does not answer.

        What was asked once in this place is not asked again, after a resume either.
        """
        if name == PAGES:
            found = [one for one in map(self._page, self._pages) if one is not None]
        else:
            request = {"source": name, "query": query, "k": DOCUMENTS}
            answer = self._ledger.call(step, request, lambda: self._asked(name, query), kind="online")
            found = [Found.from_json(one) for one in answer["found"]]
            if answer["pages"]:
                found = [self._page(one.url) or one for one in found[:PAGES_READ]] + found[PAGES_READ:]
        texts = self.finds.keep(found)
        self._progress.searched(text.id for text in texts)
        return ranked(texts, query, k)

    def failures(self) -> list[str]:
        """Say what could not be asked or fetched, over all attempts."""
        answers = [*self._ledger.answers("online"), *self._ledger.answers("fetch")]
        return [failure for failure in dict.fromkeys(one["failure"] for one in answers) if failure]

    def close(self) -> None:
        """Close the index and the client."""
        self.finds.close()
        with self._lock:
            if self._opened is not None:
                self._opened.close()

    @property
    def _web(self) -> Web:
        """Give the session's client, made when it is first needed: most sessions never need one."""
        with self._lock:
            if self._opened is None:
                self._opened = self._catalogue.client(self._work, self._waiting)
            return self._opened

    def _waiting(self, seconds: float, host: str) -> None:
        self._progress.say(f"Waiting {seconds:.0f} s: {host} asks for it", "SEARCH_ONLINE")

    def _asked(self, name: str, query: str) -> dict[str, Any]:
        with self._lock:
            dead = self._dead.get(name)
        if dead is not None:
            return {"found": [], "failure": dead, "pages": False}
        found, failure = _tried(
            f"{self.title(name)} could not be searched",
            lambda: self._source(name).search(query, DOCUMENTS)[:DOCUMENTS],
        )
        if found is None:
            with self._lock:
                # Each further question would wait as long as this one, for nothing.
                self._dead[name] = failure
            return {"found": [], "failure": failure, "pages": False}
        pages = bool(self._source(name).finds_pages)
        return {"found": [_bounded(one).to_json() for one in found], "failure": None, "pages": pages}

    def _page(self, url: str) -> Found | None:
        """Read a page, once in a session."""
        answer = self._ledger.call("page", {"url": url}, lambda: self._fetched(url), kind="fetch")
        return None if answer["found"] is None else Found.from_json(answer["found"])

    def _fetched(self, url: str) -> dict[str, Any]:
        found, failure = _tried(f"{url[:300]} could not be read", lambda: self._read(url))
        if found is None:
            return {"found": None, "failure": failure}
        return {"found": _bounded(found).to_json(), "failure": None}

    def _read(self, url: str) -> Found:
        answer = self._web.page(url)
        media_type = answer.content_type.partition(";")[0].strip().lower()
        kind = _KINDS.get(media_type)
        if kind is None:
            raise Unavailable(f"it is {media_type[:60] or 'of no type'}, which is not read")
        parsed = parse_bytes(answer.body, kind, self._work.control)
        return Found(
            url=answer.url,
            title=parsed["title"] or answer.url,
            text=parsed["text"],
            kind="pdf" if kind == "pdf" else "web",
            authors=tuple(parsed["authors"]),
            year=parsed["year"],
            doi=parsed["doi"],
            pages=parsed["pages"],
            passages=tuple(Span(*one) for one in parsed["spans"]),
        )

    def _source(self, name: str) -> OnlineSource:
        web = self._web
        with self._lock:
            if name not in self._made:
                self._made[name] = self._catalogue.make(name, web, self._work.place)
            return self._made[name]


def _tried(what: str, perform: Callable[[], T]) -> tuple[T | None, str]:
    """Give the result, or None and a sentence: a source that is down ends no session."""
    try:
        return perform(), ""
    except (Unavailable, Unreadable) as error:
        return None, f"{what}: {error}."
    except Exception as error:
        # A package of somebody's, or an answer of another shape than its service describes.
        log.warning("An online source failed.", exc_info=True)
        return None, f"{what}: its answer was not understood ({type(error).__name__}: {error})."


def _bounded(found: Found) -> Found:
    text = storable(found.text[:_LONGEST])
    return replace(found, text=text, passages=tuple(one for one in found.passages if one.end <= len(text)))
