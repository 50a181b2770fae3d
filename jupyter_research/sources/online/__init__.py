"""Hand on the online sources: services that are asked only when a session names them.

Light to import: the client, and with it httpx, is imported when a session asks for something.
"""

from __future__ import annotations

from .base import Found, OnlineSource, Unavailable
from .catalogue import ENTRY_POINTS, PAGES, Catalogue, is_address
from .proxies import ENVIRONMENT, Proxies
from .settings import OnlineSettings

__all__ = [
    "ENTRY_POINTS",
    "ENVIRONMENT",
    "PAGES",
    "Catalogue",
    "Found",
    "OnlineSettings",
    "OnlineSource",
    "Proxies",
    "Unavailable",
    "is_address",
]
