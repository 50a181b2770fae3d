"""Try things out: several people on one server, and researchers that do as they are told.

For tests of one's own researchers and configurations, and for ours. Not for production:
`HeaderIdentityProvider` believes whoever calls.
"""

from __future__ import annotations

from .people import HeaderIdentityProvider, TokenIdentityProvider
from .researchers import RESEARCHERS, asks, fails, slow, steps

__all__ = [
    "RESEARCHERS",
    "HeaderIdentityProvider",
    "TokenIdentityProvider",
    "asks",
    "fails",
    "slow",
    "steps",
]
