"""Make paragraphs of the lines of pages: without running heads and feet, in reading order.

Running heads and feet are left out since they would cut sentences in two; a sentence that
goes on over a column or a page is whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

_MARGIN: Final = 0.14
_PAGE_NUMBER: Final = re.compile(
    r"(?:page\s*)?[-–—|\s]*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/)\s*\d{1,4})?[-–—|\s]*$", re.I
)
#: Hyphens that were left over, and ligatures: nobody types one into a search.
_LETTERS: Final = str.maketrans(
    {"\x02": "-", "\xad": "", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
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
    #: At the head of a first page the text once more, with tabs in wide gaps and before raised letters.
    apart: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Hold one page."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Hold one paragraph, or one heading: lines of one kind that follow each other."""

    page: int
    lines: tuple[Line, ...]
    text: str


def paragraphs_of(sheets: list[Sheet]) -> list[Paragraph]:
    """Give the paragraphs of a document, in reading order."""
    running = _running(sheets)
    pages = [
        (sheet, _in_order(sheet, [line for line in sheet.lines if not running(line, sheet)]))
        for sheet in sheets
    ]
    vocabulary = _vocabulary(line for _, lines in pages for line in lines)
    paragraphs = (
        Paragraph(page=sheet.number, lines=tuple(group), text=_join(group, vocabulary))
        for sheet, lines in pages
        for group in _groups(lines)
    )
    return list(_over_pages(paragraphs, vocabulary))


def readable(text: str) -> str:
    """Give a text with letters for ligatures, and single spaces."""
    return re.sub(r"[ \t\xa0]+", " ", text.translate(_LETTERS)).strip()


def body_size(lines: Iterable[Line]) -> float:
    """Give the size of most of the text."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _over_pages(paragraphs: Iterable[Paragraph], vocabulary: Counter[str]) -> Iterator[Paragraph]:
    """Give a sentence that goes on over a page whole to the page where it begins."""
    before: Paragraph | None = None
    for paragraph in paragraphs:
        if before is not None and _goes_on(before, paragraph):
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


def _goes_on(before: Paragraph, paragraph: Paragraph) -> bool:
    return (
        paragraph.page == before.page + 1
        and not _LAST.search(before.text)
        and (paragraph.text[:1].islower() or before.text.endswith("-"))
        and abs(before.lines[0].size - paragraph.lines[0].size) < 1
    )


def _running(sheets: list[Sheet]) -> Callable[[Line, Sheet], bool]:
    """Tell running heads and feet: in a margin, and on several pages or with the page's number."""
    margins = [(line, sheet) for sheet in sheets for line in sheet.lines if in_margin(line, sheet)]
    pages = {(_key(line), sheet.number) for line, sheet in margins}
    often = {key for key, count in Counter(key for key, _ in pages).items() if count >= _least(sheets)}
    steps = Counter(step for line, sheet in margins for step in _steps(line, sheet))
    steady = {step for step, count in steps.items() if count >= max(3, len(sheets) // 3)}
    body = body_size(line for sheet in sheets for line in sheet.lines)

    def running(line: Line, sheet: Sheet) -> bool:
        large = line.size > 1.12 * body
        if not in_margin(line, sheet) or (sheet.number == 1 and large):
            return False
        # A chapter's heading begins with a number too.
        numbered = len(line.text) < 120 and not large and not steady.isdisjoint(_steps(line, sheet))
        return numbered or _key(line) in often or bool(_PAGE_NUMBER.match(line.text))

    return running


def _least(sheets: list[Sheet]) -> int:
    return 2 if len(sheets) <= 4 else 3


def _key(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text).casefold()


def _steps(line: Line, sheet: Sheet) -> set[int]:
    """Give how far the number at either end of a line is from the number of its page."""
    numbers = (re.match(r"\d{1,4}(?!\d)", line.text), re.search(r"(?<!\d)\d{1,4}$", line.text))
    return {int(number[0]) - sheet.number for number in numbers if number}


def in_margin(line: Line, sheet: Sheet) -> bool:
    """Tell whether a line stands at the head or the foot of its page."""
    middle = (line.top + line.bottom) / 2
    return middle > sheet.height * (1 - _MARGIN) or middle < sheet.height * _MARGIN


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
    """Give the commonest distance between two lines, the smaller of two as common."""
    near = [(one.top - two.top, one.size) for one, two in pairwise(lines)]
    steps = Counter(round(step) for step, size in near if 0.8 * size < step < 3 * size)
    return max(steps.items(), key=lambda item: (item[1], -item[0]))[0] if steps else 12.0


def _starts(line: Line, before: Line, pitch: float) -> bool:
    if abs(line.top - before.top) < 0.4 * line.size and line.left >= before.right - 2:
        return False
    if abs(line.size - before.size) > 1.2 or line.bold != before.bold:
        return True
    step = before.top - line.top
    if step < 0 or step > 6 * pitch:
        # The next column: the sentence goes on unless it had ended.
        return bool(_LAST.search(before.text))
    if step > max(1.2 * pitch + 0.5, 1.1 * line.size):
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
    return readable(text)


def _mend(text: str, following: str, vocabulary: Counter[str]) -> str:
    """Join the halves of a word: with its hyphen only where the document writes it so elsewhere."""
    # The end alone: a search through a whole paragraph for each of its lines took most of the time.
    head = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*$", text[-60:])
    tail = re.match(r"[^\W\d_]+", following)
    if not head or not tail or following[0].isupper():
        return f"{text}-{following}"
    whole, hyphened = f"{head[0]}{tail[0]}".casefold(), f"{head[0]}-{tail[0]}".casefold()
    return f"{text}-{following}" if vocabulary[hyphened] > vocabulary[whole] else f"{text}{following}"
