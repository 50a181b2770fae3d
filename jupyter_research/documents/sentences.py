"""Find the sentences of a text, as spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|al|approx|ca|resp|no|nos|vol|pp|ed|eds|fig|figs|eq|eqs|sec|ch|ref|refs|tab|"
    r"dr|mr|mrs|ms|prof|st|jr|sr|inc|ltd|corp|dept|univ|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|"
    r"u\.s|u\.k|a\.m|p\.m|ph\.d|viz|spp|sp|subsp|var)|(?:^|[\s(])[A-Z])\.$",
    re.IGNORECASE,
)
#: These end a sentence as often as not: a capital letter after them decides.
_OFTEN_LAST: Final = re.compile(
    r"\b(?:no|al|ms|a\.m|p\.m|u\.s|u\.k|sec|mar|dec|ed|inc|ltd|corp|tab|ref|st|sp|var|ch)\.$", re.I
)
#: Bounded, and never begun within a run of dots: a line of ten thousand of them is no sentence's end.
_END: Final = re.compile(r"(?<![.!?…])[.!?…]{1,8}[\"'”’)\]*_`]{0,8}(?=\s)")
_NEXT: Final = re.compile(r"\s+[\"'“‘(\[*_`]*(?:[A-Z0-9À-ÖØ-Þ]|[^\W\d_a-zß-öø-ÿ])|\s+`[^\s`]")
_BLOCK: Final = re.compile(r"\r?\n[ \t]*\r?\n\s*|\r?\n(?=[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S)")
_LEAD: Final = re.compile(r"(?:[-*+•>]|\d{1,3}[.)])[ \t]+")


def sentences(text: str, start: int = 0) -> list[tuple[int, int]]:
    """Give the spans of the sentences of `text`, each moved on by `start`.

    A blank line and a list item end a sentence too; the mark of a list item is left out.
    """
    return [(begin + start, end + start) for begin, end in spans(text, 0, len(text))]


def spans(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Go through the sentences of a stretch of `text`."""
    for block in _BLOCK.finditer(text, begin, end):
        yield from _split(text, begin, block.start())
        begin = block.end()
    yield from _split(text, begin, end)


def _split(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    lead = _LEAD.match(text, _skip(text, begin, end), end)
    at = lead.end() if lead else begin
    for match in _END.finditer(text, at, end):
        if _breaks(text, at, match):
            yield from _trimmed(text, at, match.end())
            at = match.end()
    yield from _trimmed(text, at, end)


def _breaks(text: str, begin: int, match: re.Match[str]) -> bool:
    if not _NEXT.match(text, match.end()):
        return False
    before = text[max(begin, match.start() - 12) : match.start() + 1]
    if not before.endswith(".") or not _ABBREVIATION.search(before):
        return True
    following = text[match.end() : match.end() + 3].lstrip()
    return bool(_OFTEN_LAST.search(before)) and following[:1].isupper()


def _skip(text: str, begin: int, end: int) -> int:
    while begin < end and text[begin].isspace():
        begin += 1
    return begin


def _trimmed(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    begin = _skip(text, begin, end)
    while end > begin and text[end - 1].isspace():
        end -= 1
    if end > begin:
        yield begin, end
