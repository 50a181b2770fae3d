"""Identify a paper by its first page: what it is called, who wrote it, and when.

What a PDF says of itself beside its pages is often what a template or an earlier file left there, so the page
goes first; where the two agree, the file's own words are whole where the page breaks its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from .layout import Line, Sheet, body_size, in_margin, readable
from .names import is_address, names_in, people_in
from .parsed import doi_in, year_in

#: A title stands in this part of its page, measured from the top.
_UPPER: Final = 0.6
#: How much larger than most of the text a title is.
_LARGER: Final = 1.12
_LONGEST: Final = 300
#: How far apart the lines of one title are at most, in its size.
_LEADING: Final = 2.2
#: In how many lines after the title a byline may be searched.
_LINES: Final = 40
_MOST_AUTHORS: Final = 30
#: A first page with less than this on it is a cover: the title is looked for on the next one, too.
_COVER: Final = 200

#: What is set large on a first page and is no title.
_BANNER: Final = re.compile(
    r"\b(?:journal of|proceedings of|transactions on|annals of|lecture notes in|advances in neural)\b|"
    r"^(?:(?:original|research|review|short|technical|working)\s+(?:article|paper|report|communication|note)|"
    r"article|review|letter|preprint|draft|contents|table of contents|open access)\W*$|"
    r"\b(?:issn|isbn|vol\.)\b|https?://",
    re.I,
)
_NUMBERED: Final = re.compile(r"(?:\d{1,2}|[IVX]+)\.?\s+\S")
_FOOTNOTE: Final = re.compile(r"[\s*∗⋆†‡§¶#]+$")

_END: Final = re.compile(r"abstract\b|(?:summary|contents|introduction)\s*(?:$|[.:—–])|\d\.?\s+\w", re.I)

_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR: Final = r"((?:19|20)\d\d)(?!\d)"
#: Where a first page says its year, the surest first.
_SURE: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?-i:Published|PUBLISHED)\b\D{{0,40}}?(?:\d{{1,2}} {_MONTH} )?{_YEAR}",
        rf"(?:©|\(c\)|copyright)\D{{0,20}}{_YEAR}",
        rf"\b(?-i:Accepted|Revised|ACCEPTED|REVISED)\b\D{{0,20}}(?:\d{{1,2}} )?{_MONTH}[ \d,]{{0,5}}{_YEAR}",
    )
)
#: These say it around the title and in the margins; in the text they are somebody else's year.
_LIKELY: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?:\d{{1,2}} )?{_MONTH}(?: \d{{1,2}},)? {_YEAR}",
        rf"\(\s*{_YEAR}\s*\)|\bvol(?:ume|\.)?\s*\d+\D{{0,30}}{_YEAR}",
        rf"\b(?:conference|proceedings|workshop|symposium|journal)\b\D{{0,80}}{_YEAR}",
    )
)
#: The stamp at the edge of the page; an entry of the reference list bears no version and subject.
_ARXIV: Final = re.compile(r"\barXiv:(\d\d)(?:0[1-9]|1[0-2])\.\d{4,5}v\d+ \[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Hold what tells one paper from another."""

    title: str | None
    authors: tuple[str, ...]
    year: int | None
    doi: str | None


def identify(sheets: Sequence[Sheet], said: Mapping[str, str]) -> Front:
    """Read the first two pages, and beside them what the file `said` of itself."""
    text = " ".join(line.text for sheet in sheets[:2] for line in sheet.lines)
    heading = _heading(sheets)
    title = readable(" ".join(line.text for line in heading))
    return Front(
        title=_agreed(_FOOTNOTE.sub("", title), _meaningful(said.get("Title", "")), text),
        authors=_known(_byline(sheets, heading), people_in(said.get("Author", "")), text),
        year=_year(sheets[0], heading) or year_in(said.get("CreationDate", "")[2:6]),
        doi=doi_in(text),
    )


def ends(text: str) -> bool:
    """Tell whether a line begins what follows title and authors."""
    return bool(_END.match(text))


def _agreed(title: str, said: str | None, text: str) -> str | None:
    """Give the page's title, or the file's where that is the same in full."""
    if said and _key(title) in _key(said) and (not title or _key(said) in _key(text)):
        return said
    return title or said


def _known(found: tuple[str, ...], said: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Give the page's authors, or the file's where the page names them all."""
    confirmed = said and all(_key(name) in _key(text) for name in said)
    return said if not found or (confirmed and len(said) >= len(found)) else found


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", readable(text).casefold())


def _heading(sheets: Sequence[Sheet]) -> list[Line]:
    """Give the lines of the title: the largest type in the upper part of the first page that is no banner."""
    for sheet in sheets[:2]:
        body = body_size(line for one in sheets for line in one.lines)
        groups = [group for group in _groups(sheet) if _may_be_title(group)]
        larger = [group for group in groups if group[0].size > _LARGER * body]
        if larger:
            return max(larger, key=lambda group: round(group[0].size))
        if groups and _stands_out(first := _close(groups[0]), sheet):
            return first
        if sum(len(line.text) for line in sheet.lines) > _COVER:
            break
    return []


def _groups(sheet: Sheet) -> Iterator[list[Line]]:
    """Give the lines in the upper part of a page, those of one size that follow each other together."""
    group: list[Line] = []
    for line in sheet.lines:
        if line.top < sheet.height * (1 - _UPPER):
            continue
        if group and not _goes_on(group[-1], line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _goes_on(before: Line, line: Line) -> bool:
    step = before.top - line.top
    return abs(line.size - before.size) < 1 and 0 <= step < _LEADING * line.size


def _close(group: list[Line]) -> list[Line]:
    """Give the first lines of a group, up to where a paragraph ends."""
    gaps = (n for n, (one, two) in enumerate(pairwise(group), 1) if one.top - two.top > 1.5 * one.size)
    return group[: next(gaps, len(group))]


def _may_be_title(group: Sequence[Line]) -> bool:
    text = " ".join(line.text for line in group)
    seen = re.sub(r"\s", "", text)
    letters = sum(map(str.isalpha, seen))
    spelt = letters >= 3 and 2 * letters > len(seen) and len(text) < _LONGEST
    return spelt and not _BANNER.search(text) and not ends(text) and not _NUMBERED.match(text)


def _stands_out(group: Sequence[Line], sheet: Sheet) -> bool:
    """Tell a title in the size of the text by its capitals and its place in the middle."""
    text = "".join(line.text for line in group)
    capitals = sum(map(str.isupper, text)) > 0.8 * sum(map(str.isalpha, text))
    return capitals and all(abs(line.left + line.right - sheet.width) < 0.1 * sheet.width for line in group)


def _byline(sheets: Sequence[Sheet], heading: Sequence[Line]) -> tuple[str, ...]:
    """Give the authors that stand between the title and the abstract."""
    found: list[str] = []
    strangers = 0
    for line in _below(sheets, heading)[:_LINES]:
        if ends(line.text) or len(line.text) > 250:
            break
        if names := names_in(line.apart or line.text):
            found += names
            strangers = 0
        elif found and (strangers := strangers + (not is_address(line.text))) > 1:
            break
    return tuple(dict.fromkeys(found))[:_MOST_AUTHORS]


def _below(sheets: Sequence[Sheet], heading: Sequence[Line]) -> list[Line]:
    for sheet in sheets[:2]:
        if heading and heading[-1] in sheet.lines:
            return list(sheet.lines[sheet.lines.index(heading[-1]) + 1 :])
    return []


def _year(sheet: Sheet, heading: Sequence[Line]) -> int | None:
    """Give the year that a first page names as its own."""
    text = " ".join(line.text for line in sheet.lines)
    if match := _ARXIV.search(text):
        return 2000 + int(match[1])
    around = " ".join(_around(sheet, heading))
    for patterns, where in ((_SURE, text), (_LIKELY, around)):
        for pattern in patterns:
            if match := pattern.search(where):
                return int(next(group for group in match.groups() if group))
    return None


def _around(sheet: Sheet, heading: Sequence[Line]) -> Iterator[str]:
    """Give the lines around the title down to the abstract, and those in the margins."""
    body, text_begins = body_size(sheet.lines), False
    for line in sheet.lines:
        text_begins = text_begins or ends(line.text) or len(line.text) > 90
        small = line.size < 0.95 * body
        if line in heading or not text_begins or (small and in_margin(line, sheet)):
            yield line.text


def _meaningful(title: str) -> str | None:
    title = " ".join(title.split())
    # Word processors leave their file's name there.
    nameless = re.search(
        r"\.(?:docx?|tex|dvi|pdf|indd|odt)$|^(?:untitled|microsoft word)", title, re.IGNORECASE
    )
    return None if nameless or len(title) < 4 else title
