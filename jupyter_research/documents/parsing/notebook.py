"""Parse notebooks: the sources of the cells and what they wrote as text, with the cell's index.

Read by hand: `nbformat` takes ten times as long, and turns a format 3 into 4 to give the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .encoding import decode
from .parsed import PRODUCT, REPORT_MARK, Composer, NoEvidence, Parsed, Unreadable

_OUR_TYPE: Final = "application/vnd.jupyter-research.session+json"
#: A cell that starts a session carries every word of its topic and is evidence of nothing.
_COMMAND: Final = re.compile(
    r"\s*(?:\w+\s*=\s*)?%{1,2}research\b|\s*%(?:load_ext|reload_ext)\s+jupyter_research\b"
)
_HEADING: Final = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.M)
#: What an output says in words.
_TEXTS: Final = ("text/markdown", "text/plain", "text")
#: An output beyond this is a log or a dump.
_OUTPUT_CHARS: Final = 20_000


def parse_notebook(data: bytes) -> Parsed:
    """Parse a notebook of format 3 or 4."""
    notebook = _load(data)
    metadata = _mapping(notebook.get("metadata"))
    if PRODUCT in metadata:
        raise NoEvidence
    composer = Composer()
    title = metadata.get("title") if isinstance(metadata.get("title"), str) else None
    heading: str | None = None
    for index, cell in enumerate(_cells(notebook)):
        if _own(cell):
            continue
        source = _text(cell.get("source", cell.get("input")))
        if _COMMAND.match(source):
            continue
        if cell.get("cell_type") in ("markdown", "heading"):
            heading = _heading(cell, source) or heading
            title = title or heading
        composer.add(source, cell=index, heading=heading, quotable=cell.get("cell_type") != "heading")
        for output in _outputs(cell):
            composer.add(output[:_OUTPUT_CHARS], cell=index, heading=heading)
    return Parsed(text=composer.text(), marks=tuple(composer.marks), title=title, authors=_authors(metadata))


def _load(data: bytes) -> Mapping[str, Any]:
    try:
        notebook = json.loads(decode(data))
    except (ValueError, RecursionError):
        raise Unreadable("not a notebook: broken JSON") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise Unreadable("not a notebook")
    if notebook["nbformat"] not in (3, 4):
        raise Unreadable(f"a notebook of format {notebook['nbformat']}: open and save it in JupyterLab")
    return notebook


def _cells(notebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        sheets = notebook.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [cell for sheet in sheets for cell in _mapping(sheet).get("cells") or ()]
    return [_mapping(cell) for cell in cells]


def _own(cell: Mapping[str, Any]) -> bool:
    return PRODUCT in _mapping(cell.get("metadata"))


def _heading(cell: Mapping[str, Any], source: str) -> str | None:
    if cell.get("cell_type") == "heading":
        return source.strip() or None
    match = _HEADING.search(source)
    return match[1] if match else None


def _outputs(cell: Mapping[str, Any]) -> Iterator[str]:
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = _mapping(_mapping(output).get("data", output))
        if _OUR_TYPE in data or _own(_mapping(output)) or _shows_report(data):
            continue
        for name in _TEXTS:
            if text := _text(data.get(name)):
                yield text
                break


def _shows_report(data: Mapping[str, Any]) -> bool:
    """Tell a report that a person looked at in a cell, or printed there."""
    return any(REPORT_MARK in _text(data.get(name)) for name in _TEXTS)


def _authors(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    authors = metadata.get("authors")
    names = [_mapping(author).get("name") for author in authors] if isinstance(authors, list) else []
    return tuple(name for name in names if isinstance(name, str))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
