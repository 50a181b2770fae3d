"""Cut a text into passages of about a thousand characters, at paragraphs where it can."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from .parsing.parsed import Mark
from .sentences import spans as sentences

#: A passage is closed once it has grown to this.
_ENOUGH: Final = 1000
#: A paragraph up to this stays whole.
_WHOLE: Final = 2400
#: What is shorter joins its neighbour in the same place.
_SHORT: Final = 200

_BLANK: Final = re.compile(r"(?:\r?\n[ \t]*){2,}")


class Span(NamedTuple):
    """Say where a passage lies in the text, and on which page, in which cell, under which heading."""

    start: int
    end: int
    page: int | None = None
    cell: int | None = None
    heading: str | None = None


def cut(text: str, marks: Sequence[Mark]) -> list[Span]:
    """Give the passages of a text; none crosses a page, a cell or a heading."""
    marks = marks or (Mark(start=0),)
    ends = [mark.start for mark in marks[1:]] + [len(text)]
    spans: list[Span] = []
    for mark, end in zip(marks, ends, strict=True):
        if mark.quotable:
            spans += (
                Span(begin, stop, mark.page, mark.cell, mark.heading)
                for begin, stop in _passages(text, mark.start, end)
            )
    return spans


def _passages(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    open_start = open_end = -1
    for start, stop in _pieces(text, begin, end):
        if open_start >= 0 and (stop - open_start <= _ENOUGH or _joins(open_start, open_end, start, stop)):
            open_end = stop
            continue
        if open_start >= 0:
            yield open_start, open_end
        open_start, open_end = start, stop
    if open_start >= 0:
        yield open_start, open_end


def _joins(open_start: int, open_end: int, start: int, stop: int) -> bool:
    short = min(open_end - open_start, stop - start) < _SHORT
    return short and stop - open_start <= _ENOUGH * 3 // 2


def _pieces(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the paragraphs, and of one that is too long its sentences, lines or sheer lengths."""
    at = begin
    for blank in chain(_BLANK.finditer(text, begin, end), (None,)):
        stop = blank.start() if blank else end
        start = _skip(text, at, stop)
        stop = _trim(text, start, stop)
        if stop - start > _WHOLE:
            yield from _broken(text, start, stop)
        elif stop > start:
            yield start, stop
        at = blank.end() if blank else end


def _broken(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    for start, stop in sentences(text, begin, end):
        while stop - start > _WHOLE:
            at = _break_in(text, start)
            yield start, _trim(text, start, at)
            start = _skip(text, at, stop)
        if stop > start:
            yield start, stop


def _break_in(text: str, start: int) -> int:
    for mark in ("\n", " "):
        at = text.rfind(mark, start + _ENOUGH // 2, start + _ENOUGH)
        if at > 0:
            return at
    return start + _ENOUGH


def _skip(text: str, begin: int, end: int) -> int:
    while begin < end and text[begin].isspace():
        begin += 1
    return begin


def _trim(text: str, begin: int, end: int) -> int:
    while end > begin and text[end - 1].isspace():
        end -= 1
    return end
