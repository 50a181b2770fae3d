"""Lay a report out for readers: head line, paragraphs, marks, places, provenance.

Every format draws from here and from `references`, so that all of them say the same. What these give is
plain text without unseen characters; each format escapes it in its own way.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..report import Citation, Claim, Report, Section, Source, Verdict
from .plain import comparable, one_line
from .references import citations

#: The mark that stands beside a claim, and what it means.
MARKS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.VERBATIM: ("✓", "found word for word"),
    Verdict.REPAIRED: ("↻", "put right: the source's own words"),
    Verdict.TERMS_MATCH: ("≈", "its terms are in the passage"),
    Verdict.TERMS_MISSING: ("!", "has terms that the passage lacks"),
    Verdict.UNCITED: ("○", "cites nothing"),
}

NOBODY: Final = "Nobody has checked that the sources are right, or that a quote means what its section says."
PASSAGES: Final = "Passages"
SOURCES: Final = "Sources"
LIMITATIONS: Final = "Limitations"
MADE: Final = "How this was made"

#: Sentences that a paragraph of prose holds at most.
_PARAGRAPH: Final = 6

_LABELS: Final[Mapping[str, str]] = {
    "date": "Date",
    "folders": "Folders",
    "files": "Files found",
    "documents": "Files read",
    "failed": "Files not read",
    "identified": "Papers identified",
    "analysts": "Lenses or analysts",
    "corpus_hash": "Corpus hash",
    "model": "Model",
    "calls": "Calls",
    "version": "Package version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Hold claims that stand together: a list of quotes, sentences of prose, or one claim of many lines."""

    kind: Literal["quotes", "prose", "lines"]
    claims: tuple[Claim, ...]


def title(report: Report) -> str:
    """Give the title, or the topic where there is none."""
    return one_line(report.title) or one_line(report.topic) or "Report"


def head_line(report: Report) -> str:
    """Say how much of the report was checked, and what was not."""
    claims = [claim for claim in report.claims() if not claim.note]
    cited = [claim for claim in claims if citations(report, claim)]
    if not cited:
        return "Nothing in this report was checked: it cites no passage of a source."
    parts = [_quotes_found(report), NOBODY]
    counts = Counter(claim.verdict for claim in cited)
    if repaired := counts[Verdict.REPAIRED]:
        were = "quote was" if repaired == 1 else "quotes were"
        parts.append(f"{repaired} {were} not exact and put right from the source.")
    if missing := counts[Verdict.TERMS_MISSING]:
        has = "sentence has" if missing == 1 else "sentences have"
        parts.append(f"{missing} {has} numbers, names or negations that the passages lack.")
    if len(cited) < len(claims):
        parts.append(f"{len(cited)} of {len(claims)} sentences cite a passage.")
    return " ".join(parts)


def _quotes_found(report: Report) -> str:
    found = {
        (citation.source, citation.start, citation.end)
        for claim in report.claims()
        if claim.verdict is not Verdict.REPAIRED
        for citation, _ in citations(report, claim)
    }
    used = {source for source, _, _ in found}
    if not found:
        return "No quote was found word for word."
    local = all(source.url is None for source in report.sources if source.id in used)
    where = "of your files" if local else ("source" if len(used) == 1 else "sources")
    return f"{len(found)} quote{'' if len(found) == 1 else 's'} found word for word in {len(used)} {where}."


def legend(report: Report) -> list[tuple[str, str]]:
    """Give the marks that this report uses, each with its meaning."""
    used = {
        claim.verdict
        for section in sections(report)
        for claim in section.claims
        if mark(report, section, claim)
    }
    return [MARKS[verdict] for verdict in Verdict if verdict in used]


def mark(report: Report, section: Section, claim: Claim) -> str:
    """Give the mark of a claim, with the terms that its passages lack.

    A note, and a section that cites nothing at all, bear none.
    """
    if claim.note or not any(citations(report, other) for other in section.claims):
        return ""
    sign, missing = MARKS[claim.verdict][0], _missing(claim)
    return f"{sign} (not there: {missing})" if missing else sign


def meaning(claim: Claim) -> str:
    """Say in words what a claim's verdict means."""
    text, missing = MARKS[claim.verdict][1], _missing(claim)
    return f"{text}: {missing}" if missing else text


def _missing(claim: Claim) -> str:
    if claim.verdict is not Verdict.TERMS_MISSING:
        return ""
    return ", ".join(f"“{term}”" for term in map(one_line, claim.missing))


def sections(report: Report) -> list[Section]:
    """Give the sections that say something."""
    return [section for section in report.sections if section.claims]


def paragraphs(section: Section) -> Iterator[Paragraph]:
    """Gather a section's claims: neighbouring quotes into a list, neighbouring sentences into prose."""
    gathered: list[Claim] = []
    kind: Literal["quotes", "prose", "lines"] = "prose"
    for claim in section.claims:
        this = _kind(claim)
        full = this == "prose" and len(gathered) >= _PARAGRAPH
        if gathered and (this != kind or this == "lines" or full):
            yield Paragraph(kind=kind, claims=tuple(gathered))
            gathered = []
        kind = this
        gathered.append(claim)
    if gathered:
        yield Paragraph(kind=kind, claims=tuple(gathered))


def is_quote(claim: Claim) -> bool:
    """Tell whether a claim is itself a quote that it cites, so that it stands alone."""
    text = comparable(claim.text)
    return any(comparable(citation.quote) == text for citation in claim.citations)


def _kind(claim: Claim) -> Literal["quotes", "prose", "lines"]:
    if is_quote(claim):
        return "quotes"
    return "lines" if len(claim.text.strip().splitlines()) > 1 else "prose"


def passages(report: Report) -> list[tuple[Citation, Source]]:
    """Give the passages that sentences cite without saying them, each once, for pages without hover."""
    found = {
        (source.number, citation.page or 0, citation.start, citation.end): (citation, source)
        for claim in report.claims()
        if not is_quote(claim)
        for citation, source in citations(report, claim)
    }
    return [found[key] for key in sorted(found)]


def heading(section: Section) -> str:
    """Give a section's heading; one that would pass for our own closing part is told apart."""
    text = one_line(section.heading) or "Findings"
    reserved = {name.casefold() for name in (PASSAGES, SOURCES, LIMITATIONS, MADE)}
    return f"{text} (from the research)" if text.casefold().strip(".: ") in reserved else text


def limitations(report: Report) -> list[str]:
    """Give the limitations, one line each."""
    return [line for item in report.limitations if (line := one_line(item))]


def made(report: Report) -> list[tuple[str, str]]:
    """Give "How this was made" as pairs of label and value, and what was used."""
    pairs = [(_label(name), _value(value)) for name, value in {**report.made, **report.usage}.items()]
    pairs.append(("Session", one_line(report.session_id)))
    return [(label, value) for label, value in pairs if value]


def _label(name: str) -> str:
    text = one_line(name)
    return _LABELS.get(text) or (text[:1].upper() + text[1:]).replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        parts = ((one_line(name).replace("_", " "), _value(item)) for name, item in value.items())
        return ", ".join(f"{name}: {item}" for name, item in parts if item)
    if isinstance(value, (list, tuple, set, frozenset)):
        return "; ".join(filter(None, map(_value, value))) if value else "none"
    return one_line(str(value))


def fingerprint(report: Report) -> str:
    """Give the hash of the report: over its JSON with sorted keys."""
    text = json.dumps(report.to_json(), sort_keys=True, ensure_ascii=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()
