"""Set a report as a PDF with Typst: no LaTeX, no browser, no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import as_file, files
from typing import Any, Final

from ..report import Citation, Claim, Report, Section, Source, Verdict
from . import blocks, layout, plain, prose, references

_WEAK: Final = frozenset({Verdict.TERMS_MISSING, Verdict.UNCITED})
#: A run of characters that no line could hold.
_LONG: Final = re.compile(r"\S{40,}")
#: Bytes that the address of a link may have at most; what is longer stays text.
_LONGEST: Final = 8000
_STEP: Final = re.compile(r"(.{12}|[/_.?&=-](?=\w))")


def breakable(text: str) -> str:
    """Give `text` as one line with places to break in what would else run off the page."""
    return _LONG.sub(lambda run: _STEP.sub("\\1\u200b", run[0]), plain.one_line(text))


def _address(address: str | None) -> str | None:
    """Give where a link leads, if a PDF can hold it."""
    return address if address is not None and len(address.encode()) <= _LONGEST else None


def _place(citation: Citation, source: Source) -> str:
    # The sign never stands alone at the end of a line.
    return breakable(references.place(citation, source)).replace(" ", "\u00a0", 1)


def data(report: Report) -> dict[str, Any]:
    """Give what the template draws: plain texts, in the order of the page."""
    title = prose.title(report)
    return {
        "title": breakable(title),
        "short": breakable(title[:110]),
        "foot": "jupyter_research",
        "subtitle": breakable(prose.subtitle(report)),
        "head": layout.head_line(report),
        "legend": layout.legend(report),
        "prose": _prose(report),
        "sections": []
        if report.markdown is not None
        else [_section(report, one) for one in layout.sections(report)],
        "passages": list(_passages(report)),
        "limitations": [breakable(line) for line in layout.limitations(report)],
        "sources": _sources(report),
        "sourced": prose.lists_sources(report),
        "made": [[breakable(label), breakable(value)] for label, value in layout.made(report)],
    }


def _prose(report: Report) -> list[dict[str, Any]]:
    if report.markdown is None:
        return []
    return [
        {
            "kind": block.kind,
            "level": block.level,
            "marker": block.marker,
            "cells": [[_run(run) for run in cell] for cell in block.cells],
        }
        for block in blocks.blocks(prose.body(report))
    ]


def _run(run: blocks.Run) -> dict[str, Any]:
    text = _LONG.sub(lambda long: _STEP.sub("\\1\u200b", long[0]), run.text)
    return {**asdict(run), "text": text, "address": _address(run.address)}


def _section(report: Report, section: Section) -> dict[str, Any]:
    paragraphs = [
        {"kind": paragraph.kind, "claims": [_claim(report, section, claim) for claim in paragraph.claims]}
        for paragraph in layout.paragraphs(section)
    ]
    return {"heading": breakable(layout.heading(section)), "paragraphs": paragraphs}


def _claim(report: Report, section: Section, claim: Claim) -> dict[str, Any]:
    alone = layout.is_quote(claim)
    # By place and not by number: those of a researcher of one's own may bear one number twice.
    entries = {source.id: entry for entry, source in enumerate(references.sources(report))}
    return {
        "text": breakable(plain.quoted(claim.text) if alone else claim.text),
        "blocks": [[breakable(line) for line in block] for block in plain.blocks(claim.text)],
        "mark": layout.mark(report, section, claim),
        "weak": claim.verdict in _WEAK,
        "citations": [
            {
                "number": source.number,
                "entry": entries[source.id],
                "place": _place(citation, source) if alone else "",
            }
            for citation, source in references.citations(report, claim)
        ],
    }


def _passages(report: Report) -> Iterator[dict[str, Any]]:
    for citation, source in layout.passages(report):
        yield {
            "number": source.number,
            "quote": breakable(plain.quoted(citation.quote)),
            "place": _place(citation, source),
        }


def _sources(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "number": source.number,
            "entry": entry,
            "title": breakable(references.source_title(source)),
            "place": breakable(references.source_place(source)),
            "address": _address(references.web_address(source)),
            "notes": [
                {"text": breakable(note), "address": _address(address)}
                for note, address in references.linked_notes(report, source)
            ],
        }
        for entry, source in enumerate(references.sources(report))
    ]


def render(report: Report) -> bytes:
    """Give the PDF file."""
    import typst

    template = files(__package__) / "report.typ"
    with as_file(template) as path:
        # The root keeps the template from reading anything but what stands beside it.
        result = typst.compile(
            path,
            root=path.parent,
            format="pdf",
            sys_inputs={"report": json.dumps(data(report))},
        )
    assert isinstance(result, bytes)
    return result
