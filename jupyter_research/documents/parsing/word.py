"""Parse DOCX by its XML: paragraphs, headings by their style, tables row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from .archive import Archive, opened
from .parsed import PRODUCT, Composer, NoEvidence, Parsed, Unreadable, year_in

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_CORE: Final = "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}"
_TERMS: Final = "{http://purl.org/dc/terms/}"
_HEADING: Final = re.compile(r"heading\s*\d|title", re.IGNORECASE)


def parse_docx(data: bytes) -> Parsed:
    """Parse a DOCX file."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("encrypted, or an old .doc file: save it as .docx without a password")
    with opened(data, "DOCX") as archive:
        if "word/document.xml" not in archive.names:
            raise Unreadable("not a DOCX file")
        core = _core(archive)
        body = archive.xml("word/document.xml").find(f"{_W}body")
    composer = Composer()
    title = heading = None
    for is_heading, text in _blocks(body) if body is not None else ():
        if is_heading:
            heading, title = text, title or text
        composer.add(text, heading=heading, quotable=not is_heading)
    return Parsed(
        text=composer.text(),
        marks=tuple(composer.marks),
        title=title or core.get("title"),
        authors=tuple(
            name.strip() for name in re.split(r";|,| and ", core.get("creator", "")) if name.strip()
        ),
        year=year_in(core.get("created", "")),
    )


def _core(archive: Archive) -> dict[str, str]:
    try:
        root = archive.xml("docProps/core.xml")
    except Unreadable:
        # What the document says matters more than who says it.
        return {}
    wanted = {
        "title": f"{_DC}title",
        "creator": f"{_DC}creator",
        "created": f"{_TERMS}created",
        "keywords": f"{_CORE}keywords",
    }
    core = {name: (root.findtext(tag) or "").strip() for name, tag in wanted.items()}
    if PRODUCT in core.pop("keywords"):
        raise NoEvidence
    # python-docx writes its own name where nobody gave one.
    if core["creator"] == "python-docx":
        core["creator"] = ""
    return {name: value for name, value in core.items() if value}


def _blocks(body: Element) -> Iterator[tuple[bool, str]]:
    for element in body:
        if element.tag == f"{_W}p":
            yield _is_heading(element), _text(element)
        elif element.tag == f"{_W}tbl":
            rows = (
                "\t".join(" ".join(_text(p) for p in cell.iter(f"{_W}p")) for cell in row.iter(f"{_W}tc"))
                for row in element.iter(f"{_W}tr")
            )
            yield False, "\n".join(rows)
        elif element.tag == f"{_W}sdt":
            for paragraph in element.iter(f"{_W}p"):
                yield _is_heading(paragraph), _text(paragraph)


def _is_heading(paragraph: Element) -> bool:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return style is not None and bool(_HEADING.match(style.get(f"{_W}val", "")))


def _text(paragraph: Element) -> str:
    parts: list[str] = []
    for node in paragraph.iter():
        if node.tag == f"{_W}t":
            parts.append(node.text or "")
        elif node.tag in (f"{_W}tab", f"{_W}br", f"{_W}cr"):
            parts.append(" ")
        elif node.tag == f"{_W}noBreakHyphen":
            parts.append("-")
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()
