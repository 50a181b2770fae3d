"""State what a parser gives: the text to store, and where in it a page, a cell or a heading begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

#: Stands near the head of Markdown that this product wrote: such files are no evidence.
REPORT_MARK: Final = "<!-- jupyter-research report -->"

#: The name by which this product marks notebooks, cells, HTML, PDF and DOCX that it wrote.
PRODUCT: Final = "jupyter_research"

#: What no store or browser takes in a text: NUL, and halves of surrogate pairs.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Unreadable(Exception):
    """Say in one clause why a file could not be read."""


class NoEvidence(Exception):
    """The file says nothing about anything, and nothing is wrong with it: it was written by this product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Say what holds from `start` on, until the next mark."""

    start: int
    page: int | None = None
    cell: int | None = None
    heading: str | None = None
    #: False for what is kept in the text and never quoted: heading lines, reference lists.
    quotable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Hold what one file says."""

    text: str
    marks: tuple[Mark, ...] = ()
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    pages: int | None = None


@dataclass(slots=True)
class Composer:
    """Put a text together from blocks, with a blank line between them."""

    parts: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    length: int = 0

    def add(
        self,
        block: str,
        *,
        page: int | None = None,
        cell: int | None = None,
        heading: str | None = None,
        quotable: bool = True,
    ) -> None:
        """Append one block; an empty one is left out."""
        block = storable(block).strip("\n")
        if not block.strip():
            return
        if self.parts:
            self.parts.append("\n\n")
            self.length += 2
        mark = Mark(start=self.length, page=page, cell=cell, heading=heading, quotable=quotable)
        if not self.marks or not _same_place(self.marks[-1], mark):
            self.marks.append(mark)
        self.parts.append(block)
        self.length += len(block)

    def text(self) -> str:
        """Give the text as composed so far."""
        return "".join(self.parts)


def _same_place(one: Mark, other: Mark) -> bool:
    return (one.page, one.cell, one.heading, one.quotable) == (
        other.page,
        other.cell,
        other.heading,
        other.quotable,
    )


def storable(text: str) -> str:
    """Replace what cannot be stored, one character for one, so that no span moves."""
    return _UNSTORABLE.sub("\ufffd", text)


def year_in(text: str) -> int | None:
    """Find the first year from 1500 to 2099 in a date as people write it."""
    match = re.search(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)", text)
    return int(match[1]) if match else None


def doi_in(text: str) -> str | None:
    """Find the first DOI in a text."""
    match = re.search(r"\b10\.\d{4,9}/[^\s\"<>{}|\\^`]+", text)
    return match[0].rstrip(".,;:)]'’") if match else None
