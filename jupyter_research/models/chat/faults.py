"""Tell what went wrong with a call: whether another try may help, when, and what to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
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
    status = _status(error)
    if status is not None:
        text = _sentence(error)
        passing = status in _AGAIN and not any(word in str(error) for word in _NO_MONEY)
        return Fault(reason=_reason(status, text), passing=passing, wait=_retry_after(error))
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


def _status(error: BaseException) -> int | None:
    for name in ("status_code", "code"):
        status = getattr(error, name, None)
        if type(status) is int and 400 <= status < 600:
            return status
    return None


def _reason(status: int, text: str) -> str:
    known = {
        401: "the provider does not know the key",
        403: "the provider refuses the key",
        404: "the provider has no such model",
        408: "no answer in time",
        429: "rate limit",
        503: "the provider is overloaded",
        529: "the provider is overloaded",
    }
    said = known.get(status, f"the provider answers with status {status}")
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
    text = " ".join(str(found if found is not None else error).split())
    return text.partition("key provided")[0][:_LONGEST].rstrip()


def _retry_after(error: BaseException) -> float | None:
    """Read `Retry-After`, in seconds or as a date, and the milliseconds that some send."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    exact, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if exact:
            return max(0.0, float(exact) / 1000)
        if value and not value.strip().replace(".", "", 1).isdigit():
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(timezone.utc)).total_seconds())
        return float(value) if value else None
    except (TypeError, ValueError):
        return None
