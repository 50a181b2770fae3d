"""Be a session's client: polite, bounded, cancellable, and gone with the session."""

from __future__ import annotations

import email.utils
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from ..._version import __version__
from ...errors import SessionCancelled
from ...guard import Addresses, Refused, TooMuch, host_of, inflated
from ...work import Control
from .base import Unavailable
from .cache import HttpCache, Stored
from .pace import Pace
from .robots import Robots
from .transport import GuardedTransport

#: What is taken of one answer, and how long it may take to come.
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_SECONDS: Final = 40.0
_REDIRECTS: Final = 5
_TRIES: Final = 3
#: What is kept in memory of a session's answers.
_HEARD: Final = 16 * 1024 * 1024
#: A host that wants to be left alone for longer is given up for this time.
_PATIENCE: Final = 60.0
#: What is worth another try.
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Only what `inflated` can unpack within bounds.
_ENCODINGS: Final = "gzip, deflate"
#: Seconds between two pages of one host.
PAGE_INTERVAL: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold the answer to a request."""

    #: Where redirects led.
    url: str
    content_type: str
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON; raise `Unavailable` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unavailable("it answered with something that is no JSON") from None


def _quiet(seconds: float, host: str) -> None:
    """Say nothing."""


class Web:
    """Ask services and fetch pages for one session. Thread-safe; used as a `with`."""

    def __init__(
        self,
        control: Control,
        *,
        addresses: Addresses,
        pace: Pace,
        contact: str = "",
        cache: Path | None = None,
        waits: Callable[[float, str], None] = _quiet,
    ) -> None:
        self._control = control
        self._addresses = addresses
        self._pace = pace
        self._waits = waits
        self._agent = f"jupyter_research/{__version__}" + (f" ({contact})" if contact else "")
        self._transport = GuardedTransport(addresses)
        self._client = httpx.Client(
            transport=self._transport,
            # Nothing of the environment: neither its proxies nor its .netrc.
            trust_env=False,
            headers={"User-Agent": self._agent, "Accept-Encoding": _ENCODINGS},
            timeout=httpx.Timeout(20.0, connect=10.0),
        )
        self._cache = None if cache is None else HttpCache(cache)
        #: What was answered in this session, and who is asking right now.
        self._heard: dict[str, Answer] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._robots = Robots(self._robots_of, self._agent)
        control.on_stop(self._stop)

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
    ) -> Answer:
        """Ask for an address, or for what is stored of it; `secret` parameters stay out of the store.

        Raises:
            Unavailable: with what was seen, after a few tries.
            SessionCancelled: when the session was cancelled meanwhile.
        """
        try:
            address = httpx.URL(url).copy_merge_params(params or {})
        except httpx.InvalidURL as error:
            raise Unavailable(f"{url[:200]!r} is no address: {error}") from error
        public = str(address)
        # Analysts ask alike: what one was told a moment ago holds for the other.
        with self._alone(public):
            known = self._heard.get(public)
            if known is None:
                known = self._gotten(address, public, interval, headers, secret)
                self._remember(public, known)
        return known

    def _gotten(
        self,
        address: httpx.URL,
        public: str,
        interval: float,
        headers: Mapping[str, str] | None,
        secret: Mapping[str, str] | None,
    ) -> Answer:
        stored = None if self._cache is None else self._cache.find(public)
        if stored is not None and stored.fresh > time.time():
            return _answer(stored)
        asked = {**(headers or {}), **(stored.validators if stored else {})}
        full = address.copy_merge_params(secret) if secret else address
        request = self._client.build_request("GET", full, headers=asked)
        return self._asked(request, interval, public, stored)

    def post(self, url: str, body: Any, *, interval: float = 0.0, headers: Mapping[str, str]) -> Answer:
        """Send JSON and give the answer, which is not stored; raises as `get`."""
        return self._asked(self._client.build_request("POST", url, json=body, headers=headers), interval)

    def page(self, url: str) -> Answer:
        """Fetch a page that its host lets machines read; raises as `get`."""
        self._checked(url)
        if not self._robots.allow(url):
            raise Unavailable("its robots.txt asks machines to stay away")
        return self.get(url, interval=PAGE_INTERVAL, headers={"Accept": "text/html, application/pdf, text/*"})

    @contextmanager
    def _alone(self, public: str) -> Iterator[None]:
        """Let a second thread that asks for the same wait for the first one's answer."""
        with self._lock:
            own = self._asking.setdefault(public, threading.Lock())
        with own:
            yield

    def _remember(self, public: str, answer: Answer) -> None:
        with self._lock:
            self._heard[public] = answer
            while len(self._heard) > 1 and sum(len(one.body) for one in self._heard.values()) > _HEARD:
                self._heard.pop(next(iter(self._heard)))

    def _robots_of(self, url: str) -> str | None:
        try:
            return self.get(url, interval=PAGE_INTERVAL).body.decode("utf-8", "replace")
        except Unavailable as error:
            if isinstance(error, _Answered) and 400 <= error.status < 500 and error.status != 429:
                return None
            raise

    def _asked(
        self, request: httpx.Request, interval: float, public: str | None = None, stored: Stored | None = None
    ) -> Answer:
        host = host_of(str(request.url))
        if self._addresses.lists(request.url.host, request.url.port or 0):
            # A mirror of one's own is not the service whose pace this is.
            interval = 0.0
        for number in range(1, _TRIES + 1):
            try:
                with self._pace.turn(host, interval, self._control.cancelled):
                    return self._once(request, public, stored)
            except _Later as later:
                if number == _TRIES or later.seconds > _PATIENCE:
                    raise
                self._pace.postpone(host, later.seconds)
                if later.seconds >= 1:
                    self._waits(later.seconds, host)
        raise AssertionError("the last try returns or raises")

    def _once(self, request: httpx.Request, public: str | None, stored: Stored | None) -> Answer:
        self._stop_if_cancelled()
        try:
            return self._followed(request, public, stored, time.monotonic() + MAX_SECONDS)
        except Refused as error:
            raise Unavailable(f"it may not be connected to: {error}") from error
        except TooMuch:
            raise Unavailable(f"it sends more than {MAX_BYTES // 1024**2} MB") from None
        except ValueError as error:
            raise Unavailable(str(error)) from error
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self._stop_if_cancelled()
            what = (
                "it did not answer in time" if isinstance(error, httpx.TimeoutException) else "no connection"
            )
            raise _Later(f"{what} ({_clause(error)})", _backoff()) from error

    def _followed(
        self, request: httpx.Request, public: str | None, stored: Stored | None, deadline: float
    ) -> Answer:
        for moved in range(_REDIRECTS + 1):
            response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    # The address that was sent may hold a key; where a redirect led may not.
                    place = str(response.url) if moved or public is None else public
                    return self._taken(response, place, public, stored, deadline)
                self._checked(str(response.next_request.url))
                request = response.next_request
            finally:
                response.close()
        raise Unavailable("it redirects in a circle")

    def _taken(
        self,
        response: httpx.Response,
        place: str,
        public: str | None,
        stored: Stored | None,
        deadline: float,
    ) -> Answer:
        if response.status_code == 304 and stored is not None and public is not None:
            if self._cache is not None:
                self._cache.renew(public, response.headers)
            return _answer(stored)
        if response.status_code in _BUSY:
            raise _Later(f"it answered {response.status_code}", _retry_after(response), response.status_code)
        if not response.is_success:
            raise _Answered(f"it answered {response.status_code}", response.status_code)
        body = bytearray()
        for chunk in inflated(response.iter_raw(), response.headers.get("content-encoding", ""), MAX_BYTES):
            body += chunk
            if time.monotonic() > deadline:
                raise Unavailable(f"it took longer than {MAX_SECONDS:.0f} seconds to answer")
        if public is not None and self._cache is not None:
            self._cache.keep(public, place, response.headers, bytes(body))
        return Answer(url=place, content_type=response.headers.get("content-type", ""), body=bytes(body))

    def _checked(self, url: str) -> None:
        try:
            self._addresses.check(url)
        except Refused as error:
            raise Unavailable(str(error)) from error

    def _stop(self) -> None:
        if self._control.cancelled.is_set():
            self._transport.sockets.shut()

    def _stop_if_cancelled(self) -> None:
        if self._control.cancelled.is_set():
            raise SessionCancelled("The session was cancelled.")


class _Answered(Unavailable):
    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Later(_Answered):
    """It may work after some seconds."""

    def __init__(self, message: str, seconds: float, status: int = 0) -> None:
        super().__init__(message, status)
        self.seconds = seconds


def _answer(stored: Stored) -> Answer:
    return Answer(url=stored.url, content_type=stored.content_type, body=stored.body)


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    if given.isdecimal():
        return float(given)
    moment = email.utils.parsedate_to_datetime(given) if _is_date(given) else None
    return max(0.0, moment.timestamp() - time.time()) if moment else _backoff()


def _is_date(text: str) -> bool:
    try:
        return bool(email.utils.parsedate_to_datetime(text))
    except (ValueError, TypeError):
        return False


def _backoff() -> float:
    return random.uniform(0.3, 0.9)


def _clause(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
