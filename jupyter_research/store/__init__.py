"""Keep the log of every session: durable first, then seen."""

from __future__ import annotations

from .database import SessionRow, Store
from .examination import Finding, examine
from .folder import Folder, claim
from .log import SessionLog

__all__ = ["Finding", "Folder", "SessionLog", "SessionRow", "Store", "claim", "examine"]
