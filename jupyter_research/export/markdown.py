"""Write a report as Markdown in which every text of others is inert."""

from __future__ import annotations

import re
from typing import Final

from ..report import Claim, Report, Section, Source
from . import layout, plain, prose, references

#: Tells our own readers that this file is no evidence.
SIGNATURE: Final = "<!-- jupyter-research report -->"

_SPECIAL: Final = re.compile(r"[\\`*\[\]<|~$]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
#: References where the front ends' own readers of mathematics would take a backslash for theirs.
_REFERENCES: Final = {"\\": "&#92;", "$": "&#36;", "<": "&lt;", "&": "&amp;"}
_UNTAME: Final = re.compile(r"[\\`<>&$|~]")
_FIRST: Final = re.compile(r"^(?:[#>+=:-]|(?P<number>\d{1,9})(?=[.)]))")


def escape(text: str) -> str:
    """Give Markdown that shows `text` as it is, on one line and within one."""
    return _SPECIAL.sub(lambda match: _REFERENCES.get(match[0], "\\" + match[0]), plain.one_line(text))


def opening(text: str) -> str:
    """Give what `escape` gives, for the beginning of a line, where more characters mean something."""
    line = escape(text)
    first = _FIRST.match(line)
    if first is None:
        return line
    if number := first["number"]:
        return number + "\\" + line[len(number) :]
    return "\\" + line


def _heading(text: str) -> str:
    return re.sub(r"#(?=#*$)", r"\\#", escape(text))


def markdown(report: Report) -> str:
    """Give the report as Markdown; one line each under `Sources`, then only how it was made."""
    parts = head_parts(report)
    if report.markdown is not None:
        parts.append(prose.harmless(prose.body(report)))
    else:
        for section in layout.sections(report):
            parts += section_parts(report, section)
    parts += limitation_parts(report) + source_parts(report) + made_parts(report)
    return "\n\n".join(parts) + "\n"


def head_parts(report: Report) -> list[str]:
    """Give the head as Markdown blocks: title, our signature, what was checked, what the marks mean."""
    parts = [f"# {_heading(prose.title(report))}", SIGNATURE]
    if topic := prose.subtitle(report):
        parts.append(opening(topic))
    parts.append(f"*{escape(layout.head_line(report))}*")
    if legend := layout.legend(report):
        parts.append(" · ".join(f"{sign} {escape(meaning)}" for sign, meaning in legend))
    return parts


def section_parts(report: Report, section: Section) -> list[str]:
    """Give a section as Markdown blocks: its heading, then its paragraphs."""
    parts = [f"## {_heading(layout.heading(section))}"]
    for paragraph in layout.paragraphs(section):
        claims = paragraph.claims
        if paragraph.kind == "quotes":
            quotes = (
                f"{escape(plain.quoted(claim.text))} {_tail(report, section, claim)}" for claim in claims
            )
            parts.append("\n".join(f"- {quote}".rstrip() for quote in quotes))
        elif paragraph.kind == "lines":
            parts += _lines(report, section, claims[0])
        else:
            sentences = (f"{opening(claim.text)} {_tail(report, section, claim)}" for claim in claims)
            parts.append(" ".join(sentence.rstrip() for sentence in sentences))
    return parts


def _lines(report: Report, section: Section, claim: Claim) -> list[str]:
    parts = ["  \n".join(opening(line) for line in block) for block in plain.blocks(claim.text)]
    if parts:
        parts[-1] = f"{parts[-1]} {_tail(report, section, claim)}".rstrip()
    return parts


def _tail(report: Report, section: Section, claim: Claim) -> str:
    """Give what follows a claim: numbers, places, mark."""
    items = []
    for citation, source in references.citations(report, claim):
        place = escape(references.place(citation, source)) if layout.is_quote(claim) else ""
        items.append(f"[{source.number}]" + (f" {place}" if place else ""))
    sign = layout.mark(report, section, claim)
    return " ".join(filter(None, [", ".join(dict.fromkeys(items)), sign]))


def limitation_parts(report: Report) -> list[str]:
    """Give the limitations as Markdown blocks; none where there are none."""
    lines = [f"- {opening(line)}" for line in layout.limitations(report)]
    return [f"## {layout.LIMITATIONS}", "\n".join(lines)] if lines else []


def source_parts(report: Report) -> list[str]:
    """Give the sources as Markdown blocks, one unwrapped line each."""
    if not prose.lists_sources(report):
        return []
    lines = [_source_line(report, source) for source in references.sources(report)]
    return [f"## {layout.SOURCES}", "\n\n".join(lines) or "None."]


def _source_line(report: Report, source: Source) -> str:
    notes = map(escape, references.source_notes(report, source))
    parts = [escape(references.source_title(source)), _path(references.source_place(source)), *notes]
    return f"[{source.number}] " + ", ".join(filter(None, parts))


def _path(path: str) -> str:
    """Give a path so that it can be copied from the file: escaped only where code would not do."""
    escaped = escape(path)
    return escaped if escaped == path or _UNTAME.search(path) else f"`{path}`"


def made_parts(report: Report) -> list[str]:
    """Give "How this was made" as Markdown blocks."""
    lines = [f"- {opening(label)}: {escape(value)}" for label, value in layout.made(report)]
    return [f"## {layout.MADE}", "\n".join(lines) or "Nothing is recorded."]


def render(report: Report) -> bytes:
    """Give the Markdown file."""
    return markdown(report).encode("utf-8")
