"""Keep the log of every session: durable first, then seen."""

from __future__ import annotations

from .adoption import adopt
from .backup import back_up
from .database import Store
from .examination import Finding, examine
from .folder import Folder, claim
from .log import SessionLog
from .neighbours import Foreign, Neighbours
from .row import SessionRow

__all__ = [
    "Finding",
    "Folder",
    "Foreign",
    "Neighbours",
    "SessionLog",
    "SessionRow",
    "Store",
    "adopt",
    "back_up",
    "claim",
    "examine",
]
