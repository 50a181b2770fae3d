"""Keep the log of every session: durable first, then seen."""

from __future__ import annotations

from .database import SessionRow, Store
from .folder import Folder, claim
from .log import SessionLog

__all__ = ["Folder", "SessionLog", "SessionRow", "Store", "claim"]
