"""State what the graph keeps between its steps: JSON-shaped, since checkpoints give back plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from ..models import Analyst, SectionDraft, Turn


class LibraryFacts(TypedDict):
    """Hold what reading the library came to."""

    files: int
    documents: int
    #: How many are papers, and of how many of those title and author are known.
    papers: NotRequired[int]
    identified: NotRequired[int]
    #: Names of the files that could not be read, each with the reason.
    failures: list[tuple[str, str]]
    hash: str
    #: How many documents are in a language other than English, by language.
    languages: dict[str, int]


class Interview(TypedDict):
    """Hold what came of one analyst's work."""

    turns: list[Turn]
    section: SectionDraft | None
    #: Why it failed, None when it did not.
    failed: str | None
    #: Why it asked fewer questions than it might have, None when it did not.
    cut_short: str | None


def merged(before: Mapping[str, Interview] | None, new: Mapping[str, Interview]) -> dict[str, Interview]:
    """Put the interviews of parallel analysts together; the newer of two wins."""
    return {**(before or {}), **new}


class State(TypedDict, total=False):
    """Hold the session's research."""

    library: LibraryFacts
    feedback: list[str]
    question: str
    #: The team as proposed, then as approved.
    analysts: list[Analyst]
    approved: bool
    interviews: Annotated[dict[str, Interview], merged]
    body: list[SectionDraft]
    introduction: SectionDraft
    conclusion: SectionDraft
    #: Sections and sources of the report in their JSON form, once checked.
    sections: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    report: dict[str, Any]


class InterviewState(TypedDict, total=False):
    """Hold one analyst's work while it is under way."""

    analyst: Analyst
    #: How many documents the library holds.
    documents: int
    turns: list[Turn]
    question: str
    query: str
    section: SectionDraft | None
    failed: str | None
    cut_short: str | None
    go_on: bool
    interviews: dict[str, Interview]


class InterviewResult(TypedDict):
    """Hold what the session gets to know of an interview."""

    interviews: dict[str, Interview]
