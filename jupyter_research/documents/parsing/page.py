"""Parse a page of the web: what its author wrote, without what its site puts around it."""

from __future__ import annotations

import re
from typing import Any

from .parsed import Composer, Parsed, doi_in, year_in
from .web import parse_html


def parse_page(data: bytes) -> Parsed:
    """Parse a page by `trafilatura` where it is installed, else as a file is parsed.

    What stands in the page's head is the file parser's to read; from a page that is no article
    `trafilatura` takes nothing.
    """
    plain = parse_html(data)
    try:
        from trafilatura import bare_extraction
    except ImportError:
        return plain
    found: Any = bare_extraction(data, include_comments=False, with_metadata=True)
    if found is None or found.body is None:
        return plain
    composer = Composer()
    _compose(found.body, composer)
    return Parsed(
        text=composer.text() or plain.text,
        marks=tuple(composer.marks) or plain.marks,
        title=plain.title or found.title,
        authors=plain.authors or _names(found.author),
        year=plain.year or year_in(found.date or ""),
        doi=plain.doi or doi_in(found.url or ""),
    )


def _compose(body: Any, composer: Composer) -> None:
    heading = None
    for block in body:
        parts = list(block) if block.tag in ("list", "table", "quote") and len(block) else [block]
        texts = [" ".join("".join(part.itertext()).split()) for part in parts]
        text = "\n".join(filter(None, texts))
        if block.tag == "head":
            heading = text
        composer.add(text, heading=heading, quotable=block.tag != "head")


def _names(author: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in re.split(";", author or "") if name.strip())
