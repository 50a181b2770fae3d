"""Hand on the models: who does the thinking in a session."""

from __future__ import annotations

from .base import Analyst, Brief, Corpus, Draft, Hit, Model, Quote, SectionDraft, Team, Turn
from .digest import AT_ODDS_HEADING, CLOSEST_HEADING
from .extractive import Extractive

__all__ = [
    "AT_ODDS_HEADING",
    "CLOSEST_HEADING",
    "Analyst",
    "Brief",
    "Corpus",
    "Draft",
    "Extractive",
    "Hit",
    "Model",
    "Quote",
    "SectionDraft",
    "Team",
    "Turn",
]
