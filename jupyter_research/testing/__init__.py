"""Try things out: people on one server, researchers that do as they are told, the services of the web.

For tests of one's own researchers and configurations, and for ours. Not for production:
`HeaderIdentityProvider` believes whoever calls.
"""

from __future__ import annotations

from .exchange import Asked, Reply
from .people import HeaderIdentityProvider, TokenIdentityProvider
from .researchers import RESEARCHERS, asks, fails, slow, steps
from .services import KEYS
from .web import FakeWeb

__all__ = [
    "KEYS",
    "RESEARCHERS",
    "Asked",
    "FakeWeb",
    "HeaderIdentityProvider",
    "Reply",
    "TokenIdentityProvider",
    "asks",
    "fails",
    "slow",
    "steps",
]
