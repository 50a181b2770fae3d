"""Be a session's client: polite, bounded, cancellable, and gone with the session."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import httpx

from ..._version import __version__
from ...exclusive import Exclusive
from ...guard import Addresses
from ...work import Control
from .base import Unavailable
from .cache import HttpCache
from .exchange import FOLLOW, MAX_SECONDS, REDIRECTS, Answer, Answered, Exchange, Moved
from .pace import Pace
from .proxies import NONE, Proxies
from .robots import Robots
from .transport import PARAMETERS, GuardedTransport

log = logging.getLogger(__name__)

#: What is kept in memory of a session's answers.
_HEARD: Final = 16 * 1024 * 1024
#: Only what `inflated` can unpack within bounds.
_ENCODINGS: Final = "gzip, deflate"
#: Seconds between two pages of one host.
PAGE_INTERVAL: Final = 1.0
#: What is read of a robots.txt, in characters: more than any search engine does.
_RULES: Final = 500_000
#: What is said of a host that cannot be reached where a proxy is at hand.
_HINT: Final = (
    "; the server's variables name a proxy, which an administrator can allow by "
    '`ResearchApp.online_proxy = "environment"`'
)
#: What is said with a request for a page.
_PAGE: Final = {"Accept": "text/html, application/pdf, text/*"}


def _quiet(seconds: float, host: str) -> None:
    """Say nothing."""


def _opened(cache: Path | None) -> HttpCache | None:
    """Open the cache; where that fails there is none, and research goes on."""
    try:
        return None if cache is None else HttpCache(cache)
    except (sqlite3.Error, OSError) as error:
        log.warning("Online sources are asked without their cache %s: %s", cache, error)
        return None


class Web:
    """Ask services and fetch pages for one session. Thread-safe; used as a `with`."""

    def __init__(
        self,
        control: Control,
        *,
        addresses: Addresses,
        pace: Pace,
        proxies: Proxies = NONE,
        contact: str = "",
        cache: Path | None = None,
        waits: Callable[[float, str], None] = _quiet,
        seconds: float = MAX_SECONDS,
    ) -> None:
        self._agent = f"jupyter_research/{__version__}" + (f" ({contact})" if contact else "")
        self._transport = GuardedTransport(addresses, proxies)
        self._client = httpx.Client(
            transport=self._transport,
            # Nothing of the environment: not its .netrc, and its proxies only as an administrator says.
            trust_env=False,
            # No host is told by us what it, or another one, said earlier.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": self._agent, "Accept-Encoding": _ENCODINGS},
            timeout=httpx.Timeout(20.0, connect=10.0),
        )
        self._cache = _opened(cache)
        self._exchange = Exchange(
            self._client, control, addresses, pace, self._cache, waits, seconds, hint=_HINT * proxies.unused
        )
        #: What was answered in this session, and what is being asked right now.
        self._heard: dict[str, Answer] = {}
        self._asking = Exclusive()
        self._lock = threading.Lock()
        self._robots = Robots(self._robots_of, self._agent)
        control.on_cancel(self._transport.sockets.shut)

    def __enter__(self) -> Web:
        """Hand on the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close connections and cache."""
        self._client.close()
        if self._cache is not None:
            self._cache.close()

    def get(
        self,
        url: str,
        params: Mapping[str, str | int] | None = None,
        *,
        interval: float = 0.0,
        headers: Mapping[str, str] | None = None,
        secret: Mapping[str, str] | None = None,
        follow: bool = True,
    ) -> Answer:
        """Ask for an address, or for what is stored of it; `secret` parameters stay out of the store.

        Without `follow` a redirect raises `Moved`.

        Raises:
            Unavailable: with what was seen, after a few tries.
            SessionCancelled: when the session was cancelled meanwhile.
        """
        try:
            public = str(httpx.URL(url).copy_merge_params(params or {}))
        except httpx.InvalidURL as error:
            raise Unavailable(f"{url[:200]!r} is no address: {error}") from error
        # Analysts ask alike: what one was told a moment ago holds for the other.
        with self._asking.at(public):
            known = self._heard.get(public)
            if known is None:
                parameters = {**(params or {}), **(secret or {})}
                known = self._gotten(url, public, interval, headers, parameters, follow)
                self._remember(public, known)
        return known

    def _gotten(
        self,
        url: str,
        public: str,
        interval: float,
        headers: Mapping[str, str] | None,
        parameters: Mapping[str, str | int],
        follow: bool,
    ) -> Answer:
        stored = None if self._cache is None else self._cache.find(public)
        if stored is not None and stored.fresh > time.time():
            return Answer.of(stored)
        asked = {**(headers or {}), **(stored.validators if stored else {})}
        extensions = {FOLLOW: follow, PARAMETERS: parameters}
        request = self._client.build_request("GET", url, headers=asked, extensions=extensions)
        return self._exchange.ask(request, interval, public, stored)

    def post(self, url: str, body: Any, *, interval: float = 0.0, headers: Mapping[str, str]) -> Answer:
        """Send JSON and give the answer, which is not stored; raises as `get`."""
        # A redirect would have us say to another host what was meant for this one.
        extensions = {FOLLOW: False}
        request = self._client.build_request("POST", url, json=body, headers=headers, extensions=extensions)
        return self._exchange.ask(request, interval)

    def page(self, url: str) -> Answer:
        """Fetch a page that its host lets machines read; raises as `get`.

        Where it redirects to is asked by its own rules and at its own pace, as if it had been named.
        """
        for _ in range(REDIRECTS + 1):
            self._exchange.check(url)
            if not self._robots.allow(url):
                raise Unavailable("its robots.txt asks machines to stay away")
            try:
                return self.get(url, interval=PAGE_INTERVAL, headers=_PAGE, follow=False)
            except Moved as moved:
                url = moved.url
        raise Unavailable("it redirects in a circle")

    def _remember(self, public: str, answer: Answer) -> None:
        with self._lock:
            self._heard[public] = answer
            while len(self._heard) > 1 and sum(len(one.body) for one in self._heard.values()) > _HEARD:
                self._heard.pop(next(iter(self._heard)))

    def _robots_of(self, url: str) -> str | None:
        try:
            return self.get(url, interval=PAGE_INTERVAL).body.decode("utf-8", "replace")[:_RULES]
        except Unavailable as error:
            if isinstance(error, Answered) and 400 <= error.status < 500 and error.status != 429:
                return None
            raise
