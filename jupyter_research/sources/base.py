"""State what a source is: a place that passages come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..documents import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Hold a passage that a source gave, with the name of the source."""

    source: str
    passage: Passage


class SourceSet(Protocol):
    """Search a set of documents; `Library` of `documents` is one, named "library"."""

    def search(self, query: str, k: int = 20) -> list[Passage]:
        """Give the k passages that fit best."""

    def text(self, document_id: str) -> str:
        """Give the text that the spans of a document's passages count in."""
