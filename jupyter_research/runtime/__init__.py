"""Build the parts and hand each what it needs: the composition root, and what is handed on from below it."""

from __future__ import annotations

from ..documents import Indexed, KeptIndex, forget, kept
from ..models.keys import Keys
from ..sources.online import OnlineSettings, Proxies
from ..store import Finding, back_up, examine
from .figures import Figures
from .indexes import build_index
from .runtime import Runtime
from .settings import Settings

__all__ = [
    "Figures",
    "Finding",
    "Indexed",
    "KeptIndex",
    "Keys",
    "OnlineSettings",
    "Proxies",
    "Runtime",
    "Settings",
    "back_up",
    "build_index",
    "examine",
    "forget",
    "kept",
]
