"""Tell prose from what is never quoted: headings, reference lists, thanks, addresses, licences, contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .layout import Paragraph, Sheet, body_size, paragraphs_of

_NUMBERED: Final = r"(?:(?:\d+|[A-Z]|[IVX]+)(?:\.\d+)*\.?\s+)?"
_REFERENCES: Final = re.compile(
    rf"{_NUMBERED}(?:references(?: and notes| cited)?|bibliography|literature cited|works cited|"
    r"literatur(?:verzeichnis)?)\s*:?$",
    re.I,
)
_THANKS_WORDS: Final = (
    r"acknowledge?ments?|funding|author contributions?|authors['’] contributions|competing interests?|"
    r"conflicts? of interests?|declaration of (?:competing )?interests?|disclosures?|about the authors?|"
    r"author information|data availability"
)
_THANKS: Final = re.compile(rf"{_NUMBERED}(?:{_THANKS_WORDS})\s*[:.]?(?=$|\s)", re.I)
_SECTION: Final = re.compile(
    rf"{_NUMBERED}(?:abstract|summary|introduction|background|methods?|materials and methods|results?|"
    r"discussion|conclusions?|related work|evaluation|experiments?|limitations?|appendix(?: [A-Z0-9])?|"
    r"results and discussion|future work)\s*[:.]?$",
    re.I,
)
_RUN_IN_ABSTRACT: Final = re.compile(r"(?:abstract|summary)\b[\s:.—–-]+[A-Z]", re.I)
_NUMBERED_HEADING: Final = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[A-Z]\.(?:\d+\.?)?|[IVX]+\.)\s+[A-Z]\S*(?:\s+\S+){0,11}$"
)
_LICENCE: Final = re.compile(
    r"©|\(c\)\s*(?:19|20)\d\d|\bcopyright\b|all rights reserved|licen[cs]ed under|creative commons|"
    r"permission to make digital|this work is licen[cs]ed|\bCC[- ]BY\b|open access article|"
    r"article is distributed under",
    re.I,
)
_AFFILIATION: Final = re.compile(
    r"\S+@\S+\.\w|\b(?:university|université|universität|universidad|department|institute|faculty|"
    r"laboratory|college|hospital|school of|academy of|research cent(?:er|re)|corresponding author|"
    r"correspondence|equal contribution|orcid)\b",
    re.I,
)
_ENTRY: Final = re.compile(r"(?:\[\d{1,3}\]|\d{1,3}\.|\(\d{1,3}\))\s+\S")
_DATED: Final = re.compile(r"\b(?:19|20)\d\d[a-z]?\b|doi\b|arXiv|https?://", re.I)
_RUN_IN_THANKS: Final = re.compile(rf"(?:{_THANKS_WORDS})[^.:]{{0,40}}[.:—]\s", re.I)
_IMPRINT: Final = re.compile(
    r"(?:key ?words|index terms|ccs concepts|categories and subject descriptors|acm reference format|"
    r"preprint\b|"
    r"(?:manuscript )?received\b.*\b(?:accepted|revised)|to appear in\b|published (?:online|in)\b|"
    r"proceedings of the\b|in proceedings of\b|how to cite|cite (?:this|as)\b|doi:|https?://\S+$|issn\b|isbn\b)",
    re.I,
)
_VERB: Final = re.compile(r"\b(?:we|was|were|is|are|has|have|can|show(?:s|ed)?|found)\b")
#: What stands in an entry of a reference list and nowhere else.
_BIBLIOGRAPHIC: Final = re.compile(
    r"\b\d{1,4}\s?\(\d{1,3}\)\s?[,:]\s?\d+|\bpp?\.\s?\d+\s?[-–]\s?\d+|"
    r"\bet al\.,? \(?(?:19|20)\d\d\)?\. [A-Z]|"
    r"\barXiv preprint\b|\bdoi:\s?10\.|https?://(?:dx\.)?doi\.org/|\bvol\. \d+, no\. \d+|"
    r"^[A-Z][\w'’-]+, (?:[A-Z]\. ?)+.{0,200}\((?:19|20)\d\d[a-z]?\)",
    re.I,
)
#: The number of a footnote: raised on the page, in the text it would begin the note's first word.
_NOTE_NUMBER: Final = re.compile(r"^\d{1,2}(?=[A-Z][a-z])")
#: The dots of a table of contents.
_LEADER: Final = re.compile(r"(?:\. ?){5,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Hold one paragraph or heading."""

    text: str
    page: int
    heading: str | None
    quotable: bool


def arrange(sheets: list[Sheet]) -> Iterator[Block]:
    """Turn pages into blocks in reading order, each quotable or not."""
    paragraphs = paragraphs_of(sheets)
    body = body_size(line for paragraph in paragraphs for line in paragraph.lines)
    return _blocks(paragraphs, body)


def _blocks(paragraphs: list[Paragraph], body: float) -> Iterator[Block]:
    heading: str | None = None
    closed: Paragraph | None = None
    opened = not any(_SECTION.match(paragraph.text) for paragraph in paragraphs if paragraph.page <= 2)
    for paragraph in paragraphs:
        if _is_heading(paragraph, body) and not (closed and _is_within(paragraph, closed)):
            heading = paragraph.text
            closed = paragraph if _REFERENCES.match(heading) or _THANKS.match(heading) else None
            opened = opened or bool(_SECTION.match(heading))
            yield Block(text=heading, page=paragraph.page, heading=heading, quotable=False)
            continue
        opened = opened or _is_prose(paragraph) or bool(_RUN_IN_ABSTRACT.match(paragraph.text))
        quotable = opened and closed is None and not _is_matter(paragraph, first=paragraph.page == 1)
        small = paragraph.lines[0].size < 0.95 * body
        text = _NOTE_NUMBER.sub("", paragraph.text) if small else paragraph.text
        yield Block(text=text, page=paragraph.page, heading=heading, quotable=quotable)


def _is_within(paragraph: Paragraph, closed: Paragraph) -> bool:
    """Tell a line of a reference list that looks like a heading from the heading of what follows the list."""
    return paragraph.lines[0].size < closed.lines[0].size - 0.3 and not _SECTION.match(paragraph.text)


def _is_heading(paragraph: Paragraph, body: float) -> bool:
    text, first = paragraph.text, paragraph.lines[0]
    if _REFERENCES.match(text) or _SECTION.match(text) or (_THANKS.match(text) and len(text) < 60):
        return True
    if len(text) > 160 or len(paragraph.lines) > 3 or _is_broken(text, bold=first.bold):
        return False
    numbered = len(text) < 80 and bool(_NUMBERED_HEADING.match(text))
    return first.size > 1.12 * body or (first.bold and len(text) < 100) or numbered


def _is_broken(text: str, *, bold: bool) -> bool:
    """Tell a line of prose, of contents or of a reference list from a heading."""
    if not re.search(r"[^\W\d_]{2}", text) or _LEADER.search(text) or re.search(r"[-–,;]$", text):
        return True
    entry = bool(_ENTRY.match(text) and _DATED.search(text))
    return entry or (text.endswith(".") and not bold) or (text[0].islower() and len(text.split()) > 4)


def _is_prose(paragraph: Paragraph) -> bool:
    return len(paragraph.text) > 300 and not _is_matter(paragraph, first=True)


def _is_matter(paragraph: Paragraph, *, first: bool) -> bool:
    """Tell what says nothing about the topic: licences, addresses, thanks, entries of reference lists."""
    text = paragraph.text
    if len(text) < 1200 and (_LICENCE.search(text) or _IMPRINT.match(text) or _RUN_IN_THANKS.match(text)):
        return True
    if first and len(text) < 600 and _AFFILIATION.search(text) and not _VERB.search(text):
        return True
    if len(text) < 500 and _ENTRY.match(text) and _DATED.search(text):
        return True
    return bool(_LEADER.search(text)) or (len(text) < 500 and bool(_BIBLIOGRAPHIC.search(text)))
