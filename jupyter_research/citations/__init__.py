"""Hand on the check of citations: what a claim cites is there word for word, or it is not cited.

A quote is accepted only when it stands in the source word for word; case, spacing, typographic quotes and
hyphenation aside. A fuzzy search may find what was meant: then the stored text takes the quote's place and
the claim is marked `repaired`. A verified quote proves that the source says it, not that it is right.
"""

from __future__ import annotations

from .checker import Checker
from .registry import Registry
from .stored import Span, locate, nearest
from .terms import missing_terms
from .typography import normalise

__all__ = ["Checker", "Registry", "Span", "locate", "missing_terms", "nearest", "normalise"]
