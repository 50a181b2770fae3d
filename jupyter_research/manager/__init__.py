"""Own the sessions: their states, their threads and their limits."""

from __future__ import annotations

from .isolation import Isolation
from .manager import Manager
from .transitions import Limits

__all__ = ["Isolation", "Limits", "Manager"]
