"""Hand on the built-in researcher: a team of analysts that interviews the library.

Light to import: LangGraph, parsers and models are imported when it runs.
"""

from __future__ import annotations

from .brief import Brief
from .researcher import Analysts

__all__ = ["Analysts", "Brief"]
