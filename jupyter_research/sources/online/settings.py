"""Hold what an administrator says about online sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .pace import Pace
from .proxies import NONE, Proxies


def _no_key(name: str, owner: str) -> str | None:
    """Know no key."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineSettings:
    """Hold it, for all sessions of a server."""

    #: The names that may be used; None for all.
    allowed: frozenset[str] | None = None
    #: Other addresses for services, by name: mirrors, one's own SearXNG.
    addresses: Mapping[str, str] = field(default_factory=dict)
    #: Hosts that may be connected to though they are not public.
    private_hosts: frozenset[str] = frozenset()
    #: By which proxies services and pages are asked.
    proxies: Proxies = NONE
    #: Whom services may write to, in the User-Agent.
    contact: str = ""
    #: The folder of the caches, one for each owner; None for none.
    cache: Path | None = None
    #: Gives the key of a service for an owner, anew for each session.
    key: Callable[[str, str], str | None] = _no_key
    #: Shared by all sessions: a service counts the requests of a machine.
    pace: Pace = field(default_factory=Pace)
