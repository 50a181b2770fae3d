"""Let chat models think: what needs LangChain is imported in a session's thread, when one is opened."""

from __future__ import annotations

from .answering import answers
from .entry import Entry, entry
from .gate import Gates
from .opening import Opening, opened
from .packages import EXTRAS, install, need_package

__all__ = ["EXTRAS", "Entry", "Gates", "Opening", "answers", "entry", "install", "need_package", "opened"]
