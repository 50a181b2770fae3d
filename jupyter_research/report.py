"""State what a report is: sections of claims, each resting on verbatim spans of sources.

The JSON shape is the contract's; `to_json` and `from_json` are the only codecs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SCHEMA = "jupyter-research-report/1"


class Verdict(StrEnum):
    """Say what code found when it compared a claim with the passages it cites."""

    VERBATIM = "verbatim"
    REPAIRED = "repaired"
    TERMS_MATCH = "terms match"
    TERMS_MISSING = "terms missing"
    UNCITED = "uncited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Point to one span of a source's stored text."""

    #: The `id` of an entry of the report's sources.
    source: str
    #: Unicode code points of the stored extracted text; `text[start:end] == quote`.
    start: int
    end: int
    quote: str
    page: int | None = None
    cell: int | None = None
    heading: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object, without the places that do not apply."""
        places = {"page": self.page, "cell": self.cell, "heading": self.heading}
        return {
            "source": self.source,
            "start": self.start,
            "end": self.end,
            "quote": self.quote,
            **{name: value for name, value in places.items() if value is not None},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Citation:
        """Read the JSON object."""
        return cls(
            source=data["source"],
            start=data["start"],
            end=data["end"],
            quote=data["quote"],
            page=data.get("page"),
            cell=data.get("cell"),
            heading=data.get("heading"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Hold one sentence of the report with what it rests on."""

    id: str
    text: str
    verdict: Verdict = Verdict.UNCITED
    citations: tuple[Citation, ...] = ()
    #: The numbers, names and negations of the text that the cited passages lack.
    missing: tuple[str, ...] = ()
    #: It tells of the research itself, what was searched or how much was found: nothing a source could say.
    note: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object, without what does not apply."""
        return {
            "id": self.id,
            "text": self.text,
            "verdict": self.verdict.value,
            "citations": [citation.to_json() for citation in self.citations],
            **({"missing": list(self.missing)} if self.missing else {}),
            **({"note": True} if self.note else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Claim:
        """Read the JSON object."""
        return cls(
            id=data["id"],
            text=data["text"],
            verdict=Verdict(data["verdict"]),
            citations=tuple(Citation.from_json(item) for item in data["citations"]),
            missing=tuple(data.get("missing") or ()),
            note=bool(data.get("note")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Hold one heading with its claims; `analyst` is the id of the analyst who wrote it."""

    heading: str
    claims: tuple[Claim, ...] = ()
    analyst: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object."""
        return {
            "heading": self.heading,
            "analyst": self.analyst,
            "claims": [claim.to_json() for claim in self.claims],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Section:
        """Read the JSON object."""
        return cls(
            heading=data["heading"],
            analyst=data.get("analyst"),
            claims=tuple(Claim.from_json(item) for item in data["claims"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Describe one document that the report cites."""

    #: `[A-Za-z0-9_-]+`, stable within the session.
    id: str
    #: The number that citations show, 1, 2, 3 … in order of first use.
    number: int
    #: The kind of document: "pdf", "markdown", "notebook", "web" …
    kind: str
    title: str
    path: str | None = None
    url: str | None = None
    #: "sha256:" and the hex digest of the document's bytes.
    hash: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    pages: int | None = None
    #: Withdrawn by its journal or its authors, as the source says that found it.
    retracted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object; of `path` and `url` only the one that applies, `retracted` where it is so."""
        place = {"path": self.path} if self.url is None else {"url": self.url}
        return {
            "id": self.id,
            "number": self.number,
            "kind": self.kind,
            "title": self.title,
            **place,
            "hash": self.hash,
            "authors": list(self.authors),
            "year": self.year,
            "doi": self.doi,
            "pages": self.pages,
            **({"retracted": True} if self.retracted else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Source:
        """Read the JSON object."""
        return cls(
            id=data["id"],
            number=data["number"],
            kind=data["kind"],
            title=data["title"],
            path=data.get("path"),
            url=data.get("url"),
            hash=data.get("hash"),
            authors=tuple(data.get("authors") or ()),
            year=data.get("year"),
            doi=data.get("doi"),
            pages=data.get("pages"),
            retracted=bool(data.get("retracted")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Hold a finished report.

    A researcher of one's own may return one; `session_id`, `topic` and `made` are
    filled in by the session when they are empty.
    """

    title: str
    session_id: str = ""
    topic: str = ""
    sections: tuple[Section, ...] = ()
    sources: tuple[Source, ...] = ()
    #: Sentences that say what the report does not cover, and why.
    limitations: tuple[str, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    #: How this was made: date, folders, files read and failed, model, calls, version.
    made: Mapping[str, Any] = field(default_factory=dict)
    #: The Markdown that a researcher of one's own returned; None for a report made of claims.
    markdown: str | None = None

    def claims(self) -> Iterator[Claim]:
        """Go through the claims of all sections."""
        for section in self.sections:
            yield from section.claims

    def to_json(self) -> dict[str, Any]:
        """Give the JSON document of the contract."""
        return {
            "schema": SCHEMA,
            "session_id": self.session_id,
            "title": self.title,
            "topic": self.topic,
            "sections": [section.to_json() for section in self.sections],
            "sources": [source.to_json() for source in self.sources],
            "limitations": list(self.limitations),
            "usage": dict(self.usage),
            "made": dict(self.made),
            **({} if self.markdown is None else {"markdown": self.markdown}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read the JSON document."""
        return cls(
            session_id=data["session_id"],
            title=data["title"],
            topic=data["topic"],
            sections=tuple(Section.from_json(item) for item in data["sections"]),
            sources=tuple(Source.from_json(item) for item in data["sources"]),
            limitations=tuple(data["limitations"]),
            usage=data["usage"],
            made=data["made"],
            markdown=data.get("markdown"),
        )
