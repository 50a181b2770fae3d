"""Send one request for a session: bounded, at its host's pace, again where that may help."""

from __future__ import annotations

import email.utils
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ...guard import Addresses, Refused, TooMuch, host_of, inflated
from ...work import Control
from .base import Unavailable
from .cache import HttpCache, Stored
from .pace import Pace
from .transport import PARAMETERS, over_by

#: What is taken of one answer, and how long it may take to come.
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_SECONDS: Final = 40.0
REDIRECTS: Final = 5
_TRIES: Final = 3
#: A host that wants to be left alone for longer is given up for this time.
_PATIENCE: Final = 60.0
#: Marks a request with whether redirects are followed.
FOLLOW: Final = "jupyter_research.follow"
#: Headers that any host may see; others may be keys.
_ANYBODYS: Final = frozenset({"host", "user-agent", "accept", "accept-encoding", "connection"})
#: What is worth another try.
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold the answer to a request."""

    #: Where redirects led.
    url: str
    content_type: str
    body: bytes

    @classmethod
    def of(cls, stored: Stored) -> Answer:
        """Take what was kept of an earlier answer."""
        return cls(url=stored.url, content_type=stored.content_type, body=stored.body)

    def json(self) -> Any:
        """Read the body as JSON; raise `Unavailable` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unavailable("it answered with something that is no JSON") from None


class Exchange:
    """Send a session's requests. Thread-safe."""

    def __init__(
        self,
        client: httpx.Client,
        control: Control,
        addresses: Addresses,
        pace: Pace,
        cache: HttpCache | None,
        waits: Callable[[float, str], None],
        seconds: float = MAX_SECONDS,
        hint: str = "",
    ) -> None:
        #: What else is said where there is no connection.
        self._hint = hint
        self._seconds = seconds
        self._client = client
        self._control = control
        self._addresses = addresses
        self._pace = pace
        self._cache = cache
        self._waits = waits

    def ask(
        self, request: httpx.Request, interval: float, public: str | None = None, stored: Stored | None = None
    ) -> Answer:
        """Send a request, again where that may help, and give the answer.

        Args:
            request: what is sent.
            interval: seconds from the last request to its host.
            public: the address without secrets, by which the answer is kept; None to keep none.
            stored: what was kept earlier, in case it still holds.
        """
        host = host_of(str(request.url))
        if self._addresses.lists(request.url.host, request.url.port or 0):
            # A mirror of one's own is not the service whose pace this is.
            interval = 0.0
        for number in range(1, _TRIES + 1):
            try:
                with self._pace.turn(host, interval, self._control.stopped):
                    return self._once(request, public, stored)
            except _Later as later:
                if number == _TRIES or later.seconds > _PATIENCE:
                    raise
                self._pace.postpone(host, later.seconds)
                if later.seconds >= 1:
                    self._waits(later.seconds, host)
        raise AssertionError("the last try returns or raises")

    def _once(self, request: httpx.Request, public: str | None, stored: Stored | None) -> Answer:
        self._control.stop_here()
        deadline = time.monotonic() + self._seconds
        try:
            with over_by(deadline):
                return self._followed(request, public, stored)
        except Refused as error:
            raise Unavailable(f"it may not be connected to: {error}") from error
        except TooMuch:
            raise Unavailable(f"it sends more than {MAX_BYTES // 1024**2} MB") from None
        except ValueError as error:
            raise Unavailable(str(error)) from error
        except httpx.LocalProtocolError:
            # The library's sentence shows the header, and the key in it.
            raise Unavailable("its key or address holds what no request may: set it again") from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self._control.stop_here()
            if time.monotonic() >= deadline:
                # Another try would take as long, for nothing.
                raise Unavailable(f"it took longer than {self._seconds:g} s to answer") from error
            what = (
                "it did not answer in time" if isinstance(error, httpx.TimeoutException) else "no connection"
            )
            raise _Later(f"{what} ({_clause(error)}){self._hint}", _backoff()) from error

    def _followed(self, request: httpx.Request, public: str | None, stored: Stored | None) -> Answer:
        for moved in range(REDIRECTS + 1):
            response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    # The address that was sent may hold a key; where a redirect led may not.
                    place = str(response.url) if moved or public is None else public
                    return self._taken(response, place, public, stored)
                self.check(str(response.next_request.url))
                if not request.extensions.get(FOLLOW, True):
                    raise Moved(str(response.next_request.url))
                request = _onward(request, response.next_request)
            finally:
                response.close()
        raise Unavailable("it redirects in a circle")

    def _taken(
        self, response: httpx.Response, place: str, public: str | None, stored: Stored | None
    ) -> Answer:
        if response.status_code == 304 and stored is not None and public is not None:
            if self._cache is not None:
                self._cache.renew(public, response.headers)
            return Answer.of(stored)
        if response.status_code in _BUSY:
            raise _Later(f"it answered {response.status_code}", _retry_after(response), response.status_code)
        if not response.is_success:
            raise Answered(f"it answered {response.status_code}", response.status_code)
        encoding = response.headers.get("content-encoding", "")
        body = b"".join(inflated(response.iter_raw(), encoding, MAX_BYTES))
        if public is not None and self._cache is not None:
            self._cache.keep(public, place, response.headers, body)
        return Answer(url=place, content_type=response.headers.get("content-type", ""), body=body)

    def check(self, url: str) -> None:
        """Raise `Unavailable` where an address may not be connected to."""
        try:
            self._addresses.check(url)
        except Refused as error:
            raise Unavailable(str(error)) from error


class Answered(Unavailable):
    """It answered with a status that is of no use."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Moved(Unavailable):
    """The page is elsewhere, and whoever asked wanted to know."""

    def __init__(self, url: str) -> None:
        super().__init__("it has moved")
        self.url = url


class _Later(Answered):
    """It may work after some seconds."""

    def __init__(self, message: str, seconds: float, status: int = 0) -> None:
        super().__init__(message, status)
        self.seconds = seconds


def _onward(request: httpx.Request, following: httpx.Request) -> httpx.Request:
    """Take out of a redirected request what was meant for the first host alone."""
    # Its address says what it wants.
    following.extensions = {**following.extensions, PARAMETERS: {}}
    if host_of(str(following.url)) != host_of(str(request.url)):
        for name in set(following.headers) - _ANYBODYS:
            del following.headers[name]
    return following


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    if given.isdecimal():
        return float(given)
    try:
        moment = email.utils.parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return _backoff()
    return max(0.0, moment.timestamp() - time.time())


def _backoff() -> float:
    return random.uniform(0.3, 0.9)


def _clause(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
