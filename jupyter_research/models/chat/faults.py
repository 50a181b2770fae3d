"""Tell what went wrong with a call: whether another try may help, when, and what to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

#: Statuses after which the same request may succeed; 529 is a provider's "overloaded".
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
#: Words of providers for an account without money: no wait helps.
_NO_MONEY: Final = ("insufficient_quota", "billing_hard_limit_reached", "credit balance")
#: Classes by name, since each provider brings an HTTP library of its own.
_CONNECTION: Final = frozenset(
    {"APIConnectionError", "ModelConnectionError", "TransportError", "ConnectionError", "StreamError"}
)
_LONGEST: Final = 300
_UNKNOWN_KEY: Final = "the provider does not know the key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Describe one failed call."""

    #: One sentence for people.
    reason: str
    #: Whether another try may help.
    passing: bool
    #: Seconds that the provider asks to wait.
    wait: float | None = None
    #: Whether the answer was on its way, so that it may have to be paid for.
    begun: bool = False


class Truncated(Exception):
    """The answer ended before its end."""


def fault_of(error: BaseException) -> Fault:
    """Sort what a provider's library raised."""
    told = _told(error)
    status = _status(told)
    if status is not None:
        text = _sentence(told)
        passing = status in _AGAIN and not any(word in str(told) for word in _NO_MONEY)
        return Fault(reason=_reason(status, text), passing=passing, wait=_retry_after(told))
    if isinstance(error, (Truncated, json.JSONDecodeError)):
        return Fault(reason="the answer was cut off", passing=True, begun=True)
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _CONNECTION:
        late = any("Timeout" in name for name in names)
        begun = "RemoteProtocolError" in names | _names(error.__cause__)
        reason = "no answer in time" if late else "the connection broke"
        return Fault(reason=reason, passing=True, begun=begun or late)
    return Fault(reason=f"{type(error).__name__}: {str(error)[:_LONGEST]}", passing=False)


def _names(error: BaseException | None) -> set[str]:
    return set() if error is None else {kind.__name__ for kind in type(error).__mro__}


def _told(error: BaseException) -> BaseException:
    """Give the error that knows the provider's status: LangChain wraps some in its own."""
    found: BaseException | None = error
    while found is not None and _status(found) is None:
        found = found.__cause__
    return error if found is None else found


def _status(error: BaseException) -> int | None:
    for name in ("status_code", "code"):
        status = getattr(error, name, None)
        if type(status) is int and 400 <= status < 600:
            return status
    return None


def _reason(status: int, text: str) -> str:
    known = {
        401: _UNKNOWN_KEY,
        403: "the provider refuses the key",
        404: "the provider has no such model",
        408: "no answer in time",
        429: "rate limit",
        503: "the provider is overloaded",
        529: "the provider is overloaded",
    }
    said = known.get(status, f"the provider answers with status {status}")
    if status == 400 and text.startswith("API key not valid"):
        said = _UNKNOWN_KEY
    return (
        said
        if status in (429, 503, 529, 408) and not any(word in text for word in _NO_MONEY)
        else (f"{said}: {text}" if text else said)
    )


def _sentence(error: BaseException) -> str:
    """Give what the provider says; keys never stand in it whole, but cut it where it speaks of one."""
    body = getattr(error, "body", None)
    found: Any = body
    if isinstance(body, dict):
        found = body.get("message") or body.get("error") or body
        if isinstance(found, dict):
            found = found.get("message", found)
    if found is None:
        found = getattr(error, "message", None)
    text = " ".join(str(found if found is not None else error).split())
    return text.partition("key provided")[0][:_LONGEST].rstrip()


def _retry_after(error: BaseException) -> float | None:
    """Read how many seconds the provider asks to wait, in a header or in the body."""
    wait = _in_headers(error)
    return _in_body(error) if wait is None else wait


def _in_headers(error: BaseException) -> float | None:
    """Read `Retry-After`, in seconds or as a date, and the milliseconds that some send."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    exact, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if exact:
            return max(0.0, float(exact) / 1000)
        if value and not value.strip().replace(".", "", 1).isdigit():
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        return float(value) if value else None
    except (TypeError, ValueError):
        return None


def _in_body(error: BaseException) -> float | None:
    """Read the delay that Google names among the details of an error: `"34.5s"`."""
    body = getattr(error, "details", None)
    told = body.get("error", body) if isinstance(body, dict) else {}
    for detail in told.get("details") or () if isinstance(told, dict) else ():
        if isinstance(detail, dict) and "retryDelay" in detail:
            try:
                return max(0.0, float(str(detail["retryDelay"]).removesuffix("s")))
            except ValueError:
                return None
    return None
