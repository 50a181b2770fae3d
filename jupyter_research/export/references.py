"""Say where passages stand: numbers, places, and what is known of each source."""

from __future__ import annotations

import re
from urllib.parse import quote

from ..report import Citation, Claim, Report, Source
from .plain import one_line


def citations(report: Report, claim: Claim) -> list[tuple[Citation, Source]]:
    """Give a claim's citations with their sources; what names no source of the report is left out."""
    known = {source.id: source for source in report.sources}
    return [(item, known[item.source]) for item in claim.citations if item.source in known]


def sources(report: Report) -> list[Source]:
    """Give the sources in the order of their numbers."""
    return sorted(report.sources, key=lambda source: source.number)


def place(citation: Citation, source: Source) -> str:
    """Say where in its source a passage stands; a heading that is the source's own title says nothing."""
    if citation.page is not None:
        return f"p. {citation.page}"
    if citation.cell is not None:
        return f"cell {citation.cell}"
    heading = one_line(citation.heading or "")
    return f"§ {heading}" if heading and heading != source_title(source) else ""


def web_address(source: Source) -> str | None:
    """Give the address of a source on the web, if it is one that a reader may safely follow."""
    url = one_line(source.url or "").replace(" ", "%20")
    return url if re.match(r"https?://[^\s/]", url, re.IGNORECASE) else None


def source_place(source: Source) -> str:
    """Give the path or the address of a source as text."""
    return one_line((source.path if source.url is None else source.url) or "")


def source_title(source: Source) -> str:
    """Give the title of a source, or its place where it has none."""
    return one_line(source.title) or source_place(source) or source.id


def source_notes(report: Report, source: Source) -> list[str]:
    """Give what else is known of a source: authors, year, DOI, the pages cited, the hash."""
    notes = ["RETRACTED"] if source.retracted else []
    notes += [_authors(source), f"doi:{one_line(source.doi)}" if source.doi else "", _pages(report, source)]
    if source.hash:
        notes.append(one_line(source.hash)[:19])
    return [note for note in notes if note]


def linked_notes(report: Report, source: Source) -> list[tuple[str, str | None]]:
    """Give what else is known of a source, each with the address on the web that it leads to."""
    return [(note, _doi_address(note)) for note in source_notes(report, source)]


def _doi_address(note: str) -> str | None:
    if not note.startswith("doi:10."):
        return None
    return "https://doi.org/" + quote(note.removeprefix("doi:"), safe="/().;:-_")


def _authors(source: Source) -> str:
    names = [name for author in source.authors if (name := one_line(author))]
    if len(names) > 3:
        names = [f"{names[0]} et al."]
    year = str(source.year) if source.year is not None else ""
    who = _series(names)
    return f"{who} ({year})" if who and year else who or year


def _series(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _pages(report: Report, source: Source) -> str:
    cited = (item for claim in report.claims() for item in claim.citations if item.source == source.id)
    pages = sorted({item.page for item in cited if item.page is not None})
    if not pages:
        return ""
    return f"p. {pages[0]}" if len(pages) == 1 else "pp. " + _series([str(page) for page in pages])
