"""Identify a paper by its first page: who wrote it, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from .layout import Paragraph, Sheet

#: What a byline may be searched in: the paragraphs after the title.
_PARAGRAPHS: Final = 12
_MOST_AUTHORS: Final = 30

_NAME: Final = re.compile(
    r"(?:[^\W\d_][\w'’.-]*\.?\s+){1,3}(?:(?:de|van|von|der|den|la|le|di|da|dos|bin|al)\s+)*[^\W\d_][\w'’-]+$"
)
_NO_NAME: Final = re.compile(
    r"\b(?:university|institute|department|school|college|faculty|centre|center|research|labs?|laborator\w+|"
    r"hospital|inc|ltd|gmbh|corp|google|microsoft|meta|street|road|avenue|states|kingdom|city|abstract|"
    r"proceedings|conference|journal|review|preprint|draft|version|report|volume|group|team|january|february|"
    r"march|april|may|june|july|august|september|october|november|december|usa|china|germany|france|the|of|for)\b",
    re.I,
)
_BETWEEN: Final = re.compile(r",|;|\band\b|&|·|•|\t")
_NOTES: Final = re.compile(r"[\d*†‡§¶∗⋆#]+")
_END: Final = re.compile(r"(?:abstract|summary|introduction|\d\.?\s+introduction)\b", re.I)

_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR: Final = r"((?:19|20)\d\d)(?!\d)"
#: Where a first page says its year, the surest first.
_YEARS: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\bpublished\b\D{{0,40}}?(?:\d{{1,2}} {_MONTH} )?{_YEAR}",
        rf"(?:©|\(c\)|copyright)\D{{0,20}}{_YEAR}",
        rf"\b(?:accepted|revised)\b\D{{0,20}}(?:\d{{1,2}} )?{_MONTH}[ \d,]{{0,5}}{_YEAR}",
        rf"\b(?:\d{{1,2}} )?{_MONTH}(?: \d{{1,2}},)? {_YEAR}",
        rf"\(\s*{_YEAR}\s*\)|\bvol(?:ume|\.)?\s*\d+\D{{0,30}}{_YEAR}",
        rf"\b(?:conference|proceedings|workshop|symposium|journal)\b\D{{0,80}}{_YEAR}",
    )
)
#: The stamp at the edge of the page; an entry of the reference list bears no version and subject.
_ARXIV: Final = re.compile(r"\barXiv:(\d\d)(?:0[1-9]|1[0-2])\.\d{4,5}v\d+ \[")


def byline(paragraphs: Iterable[Paragraph], title: str | None) -> tuple[str, ...]:
    """Give the authors that stand between the title and the abstract."""
    found: list[str] = []
    for line in _lines_after(paragraphs, title):
        names = _names(line)
        if names:
            found += names
        elif found and not _NO_NAME.search(line) and "@" not in line:
            break
    return tuple(dict.fromkeys(found))[:_MOST_AUTHORS]


def year_on(sheets: list[Sheet]) -> int | None:
    """Give the year that the first page names as its own."""
    text = " ".join(line.text for line in sheets[0].lines)
    if match := _ARXIV.search(text):
        return 2000 + int(match[1])
    for pattern in _YEARS:
        if match := pattern.search(text):
            return int(next(group for group in match.groups() if group))
    return None


def _lines_after(paragraphs: Iterable[Paragraph], title: str | None) -> Iterator[str]:
    seen = 0
    for paragraph in paragraphs:
        if paragraph.page > 1 or seen > _PARAGRAPHS or _END.match(paragraph.text):
            return
        if seen:
            yield paragraph.text
        if seen or paragraph.text == title:
            seen += 1


def _names(text: str) -> list[str]:
    if len(text) > 600 or "@" in text:
        return []
    parts = [part.strip() for part in _BETWEEN.split(_NOTES.sub(" , ", text)) if part.strip()]
    return parts if parts and all(_is_name(part) for part in parts) else []


def _is_name(part: str) -> bool:
    words = part.split()
    return (
        len(part) < 50
        and bool(_NAME.match(part))
        and not _NO_NAME.search(part)
        and words[0][0].isupper()
        and any(char.isupper() for char in words[-1])
    )
