"""Make prose of the lines of pages: reading order, paragraphs, headings, and what is never quoted.

Running heads and feet are left out, since they would cut sentences in two. Reference lists,
acknowledgements, affiliations and licence lines stay in the text and are marked as not quotable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

_MARGIN: Final = 0.14
_PAGE_NUMBER: Final = re.compile(
    r"(?:page\s*)?[-–—|\s]*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/)\s*\d{1,4})?[-–—|\s]*$", re.I
)
_NUMBERED: Final = r"(?:(?:\d+|[A-Z]|[IVX]+)(?:\.\d+)*\.?\s+)?"
_REFERENCES: Final = re.compile(
    rf"{_NUMBERED}(?:references(?: and notes| cited)?|bibliography|literature cited|works cited|"
    r"literatur(?:verzeichnis)?)\s*:?$",
    re.I,
)
_THANKS: Final = re.compile(
    rf"{_NUMBERED}(?:acknowledge?ments?|funding|author contributions?|authors['’] contributions|"
    r"competing interests?|conflicts? of interests?|declaration of (?:competing )?interests?|disclosures?|"
    r"about the authors?|author information)\s*[:.]?(?=$|\s)",
    re.I,
)
_SECTION: Final = re.compile(
    rf"{_NUMBERED}(?:abstract|summary|introduction|background|methods?|materials and methods|results?|"
    r"discussion|conclusions?|related work|evaluation|experiments?|limitations?|appendix(?: [A-Z0-9])?|"
    r"results and discussion|future work)\s*[:.]?$",
    re.I,
)
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
_FIRST: Final = re.compile(r".*?[.!?]['\"”’)\]]*\d{0,3}(?:\s+(?=[A-Z(\[“]))", re.S)
_LAST: Final = re.compile(r"[.!?:;]['\"”’)\]]*\d{0,3}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Hold one line with its place on the page, in points from the lower left."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool = False
    #: The word goes on in the next line.
    hyphen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Hold one page."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Hold one paragraph or heading."""

    text: str
    page: int
    heading: str | None
    quotable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """Hold the blocks of a document in reading order, and the title that its first page shows."""

    blocks: tuple[Block, ...]
    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paragraph:
    page: int
    lines: tuple[Line, ...]
    text: str


def arrange(sheets: list[Sheet]) -> Arranged:
    """Turn pages into blocks."""
    running = _running(sheets)
    pages = [
        (sheet, _in_order(sheet, [line for line in sheet.lines if not _is_running(line, sheet, running)]))
        for sheet in sheets
    ]
    body = _body_size(line for _, lines in pages for line in lines)
    joined = _vocabulary(line for _, lines in pages for line in lines)
    paragraphs = [
        _Paragraph(page=sheet.number, lines=tuple(group), text=_join(group, joined))
        for sheet, lines in pages
        for group in _groups(lines)
    ]
    title = _title(paragraphs, body)
    return Arranged(blocks=tuple(_blocks(list(_over_pages(paragraphs, body, joined)), body)), title=title)


def _over_pages(paragraphs: list[_Paragraph], body: float, vocabulary: Counter[str]) -> Iterator[_Paragraph]:
    """Give a sentence that goes on over a page whole to the page where it begins."""
    before: _Paragraph | None = None
    for paragraph in paragraphs:
        if before is not None and _goes_on(before, paragraph, body):
            end = _FIRST.match(paragraph.text)
            head = end[0].rstrip() if end else paragraph.text
            text = (
                _mend(before.text[:-1], head, vocabulary)
                if before.text.endswith("-")
                else f"{before.text} {head}"
            )
            yield replace(before, text=text)
            before = replace(paragraph, text=paragraph.text[len(end[0]) :]) if end else None
            continue
        if before is not None:
            yield before
        before = paragraph
    if before is not None:
        yield before


def _goes_on(before: _Paragraph, paragraph: _Paragraph, body: float) -> bool:
    return (
        paragraph.page == before.page + 1
        and not _LAST.search(before.text)
        and (paragraph.text[:1].islower() or before.text.endswith("-"))
        and not _is_heading(before, body)
        and abs(before.lines[0].size - paragraph.lines[0].size) < 1
    )


def _running(sheets: list[Sheet]) -> set[str]:
    seen = Counter(
        key for sheet in sheets for key in {_key(line) for line in sheet.lines if _in_margin(line, sheet)}
    )
    return {key for key, count in seen.items() if count >= (2 if len(sheets) <= 4 else 3)}


def _key(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text).casefold()


def _in_margin(line: Line, sheet: Sheet) -> bool:
    middle = (line.top + line.bottom) / 2
    return middle > sheet.height * (1 - _MARGIN) or middle < sheet.height * _MARGIN


def _is_running(line: Line, sheet: Sheet, running: set[str]) -> bool:
    return _in_margin(line, sheet) and (_key(line) in running or bool(_PAGE_NUMBER.match(line.text)))


def _in_order(sheet: Sheet, lines: list[Line]) -> list[Line]:
    """Put two columns one after the other where the file has them line by line."""
    middle = sheet.width / 2
    sides = ["l" if line.right <= middle + 5 else "r" if line.left >= middle - 5 else "f" for line in lines]
    jumps = sum(1 for one, two in pairwise(sides) if {one, two} == {"l", "r"})
    if jumps <= 4 or min(sides.count("l"), sides.count("r")) < 5:
        return lines
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.top):
        if line.right <= middle + 5:
            left.append(line)
        elif line.left >= middle - 5:
            right.append(line)
        else:
            ordered += [*left, *right, line]
            left, right = [], []
    return [*ordered, *left, *right]


def _body_size(lines: Iterable[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _vocabulary(lines: Iterable[Line]) -> Counter[str]:
    return Counter(
        word for line in lines for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", line.text.casefold())
    )


def _groups(lines: list[Line]) -> Iterator[list[Line]]:
    pitch = _pitch(lines)
    group: list[Line] = []
    for line in lines:
        if group and _starts(line, group[-1], pitch):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _pitch(lines: list[Line]) -> float:
    steps = sorted(
        round(one.top - two.top, 1) for one, two in pairwise(lines) if 0 < one.top - two.top < 4 * one.size
    )
    return steps[len(steps) // 2] if steps else 12.0


def _starts(line: Line, before: Line, pitch: float) -> bool:
    if abs(line.top - before.top) < 0.4 * line.size and line.left >= before.right - 2:
        return False
    if abs(line.size - before.size) > 1.2 or line.bold != before.bold:
        return True
    step = before.top - line.top
    if step < 0 or step > 6 * pitch:
        # The next column: the sentence goes on unless it had ended.
        return bool(_LAST.search(before.text))
    if step > 1.4 * max(pitch, line.size):
        return True
    indented = line.left - before.left > 0.6 * line.size
    return (indented and bool(_LAST.search(before.text))) or bool(re.match(r"[•◦▪‣]|\[\d+\]\s", line.text))


def _join(lines: list[Line], vocabulary: Counter[str]) -> str:
    text = ""
    for line in lines:
        if not text:
            text = line.text
        elif text.endswith("\x02"):
            text = _mend(text[:-1], line.text, vocabulary)
        else:
            text = f"{text} {line.text}"
        if line.hyphen or (re.search(r"\w-$", line.text) and line is not lines[-1]):
            text = (text if line.hyphen else text[:-1]) + "\x02"
    return re.sub(r"[ \t\xa0]+", " ", text.replace("\x02", "-").replace("\xad", "")).strip()


def _mend(text: str, following: str, vocabulary: Counter[str]) -> str:
    """Join the halves of a word: with its hyphen only where the document writes it so elsewhere."""
    head = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*$", text)
    tail = re.match(r"[^\W\d_]+", following)
    if not head or not tail or following[0].isupper():
        return f"{text}-{following}"
    whole, hyphened = f"{head[0]}{tail[0]}".casefold(), f"{head[0]}-{tail[0]}".casefold()
    return f"{text}-{following}" if vocabulary[hyphened] > vocabulary[whole] else f"{text}{following}"


def _blocks(paragraphs: list[_Paragraph], body: float) -> Iterator[Block]:
    heading: str | None = None
    closed = False
    opened = not any(_SECTION.match(paragraph.text) for paragraph in paragraphs if paragraph.page <= 2)
    for paragraph in paragraphs:
        if _is_heading(paragraph, body):
            heading = paragraph.text
            closed = bool(_REFERENCES.match(heading) or _THANKS.match(heading))
            opened = opened or bool(_SECTION.match(heading))
            yield Block(text=heading, page=paragraph.page, heading=heading, quotable=False)
            continue
        opened = opened or _is_prose(paragraph)
        quotable = opened and not closed and not _is_matter(paragraph, first=paragraph.page == 1)
        yield Block(text=paragraph.text, page=paragraph.page, heading=heading, quotable=quotable)


def _is_heading(paragraph: _Paragraph, body: float) -> bool:
    text, first = paragraph.text, paragraph.lines[0]
    if len(text) > 160 or len(paragraph.lines) > 3 or not re.search(r"[^\W\d_]{2}", text):
        return False
    if _REFERENCES.match(text) or _SECTION.match(text) or (_THANKS.match(text) and len(text) < 60):
        return True
    if text.endswith((".", ",", ";")) and not first.bold:
        return False
    return (
        first.size > 1.12 * body
        or (first.bold and len(text) < 100)
        or bool(_NUMBERED_HEADING.match(text) and len(text) < 80)
    )


def _is_prose(paragraph: _Paragraph) -> bool:
    return len(paragraph.text) > 300 and not _is_matter(paragraph, first=True)


def _is_matter(paragraph: _Paragraph, *, first: bool) -> bool:
    """Tell what says nothing about the topic: licences, addresses, thanks, entries of reference lists."""
    text = paragraph.text
    if _LICENCE.search(text) and len(text) < 1200:
        return True
    if _THANKS.match(text) and len(text) < 1200 and paragraph.text[:1].isupper():
        return bool(re.match(r"[^.:]{0,40}[.:]\s", text))
    if (
        first
        and len(text) < 600
        and _AFFILIATION.search(text)
        and not re.search(r"\b(?:we|was|were|is|are)\b", text)
    ):
        return True
    return bool(_ENTRY.match(text) and _DATED.search(text) and len(text) < 500)


def _title(paragraphs: list[_Paragraph], body: float) -> str | None:
    first = [paragraph for paragraph in paragraphs if paragraph.page == 1 and len(paragraph.text) < 250]
    large = [paragraph for paragraph in first if paragraph.lines[0].size > 1.12 * body]
    if not large:
        return None
    return max(large, key=lambda paragraph: (paragraph.lines[0].size, -len(paragraph.text))).text
