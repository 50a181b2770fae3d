"""Parse formats whose stored text is the file's own: Markdown, reStructuredText, Python, plain text.

Nothing is taken out or put in, newlines included, so that a span of the stored text
is found word for word in the file on disk too.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from .encoding import decode
from .parsed import REPORT_MARK, Mark, NoEvidence, Parsed, doi_in, storable, year_in

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX: Final = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$")
_SETEXT: Final = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_ADORNED: Final = re.compile(r"([=\-~^\"'`#*+:.<>_])\1{2,}[ \t]*$")
_DEFINED: Final = re.compile(r"[ \t]*(?:async[ \t]+def|def|class)[ \t]+(\w+)")
#: A line of images and badges alone; the target of a link.
_ASIDE: Final = re.compile(
    r"^[ \t]*(?:\[?!\[[^\]\n]*\]\([^)\n]*\)(?:\]\([^)\n]*\))?[ \t]*)+$|"
    r"^ {0,3}\[[^\]\n]+\]:[ \t]+\S+[^\n]*$",
    re.M,
)
_MARKUP: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]+|(?<!\w)_+|_+(?!\w)")


def parse_text(data: bytes) -> Parsed:
    """Parse plain text: no headings are guessed."""
    return Parsed(text=_own_text(data))


def parse_markdown(data: bytes) -> Parsed:
    """Parse Markdown: headings, and the front matter's title, author and date."""
    text = _own_text(data)
    front, begin = _front_matter(text)
    marks = [Mark(start=0, quotable=False), Mark(start=begin)] if begin else [Mark(start=0)]
    title = front.get("title")
    for start, end, heading in _markdown_headings(text, begin):
        title = title or heading
        marks += [Mark(start=start, heading=heading, quotable=False), Mark(start=end, heading=heading)]
    return Parsed(
        text=text,
        marks=tuple(_without_asides(text, marks)),
        title=title,
        authors=tuple(name.strip() for name in re.split(r",| and ", front.get("author", "")) if name.strip()),
        year=year_in(front.get("date", "")),
        doi=doi_in(front.get("doi", "")),
    )


def parse_rst(data: bytes) -> Parsed:
    """Parse reStructuredText: headings are lines with a line of one punctuation mark under them."""
    text = _own_text(data)
    marks = [Mark(start=0)]
    title = None
    for start, end, heading in _rst_headings(text):
        title = title or heading
        marks += [Mark(start=start, heading=heading, quotable=False), Mark(start=end, heading=heading)]
    return Parsed(text=text, marks=tuple(marks), title=title)


def parse_python(data: bytes) -> Parsed:
    """Parse Python: each function and class is headed by its name."""
    text = _own_text(data, declared=True)
    marks = [Mark(start=0)]
    marks += [
        Mark(start=start, heading=match[1])
        for start, _, line in _lines(text)
        if (match := _DEFINED.match(line))
    ]
    return Parsed(text=text, marks=tuple(marks))


def _own_text(data: bytes, *, declared: bool = False) -> str:
    text = storable(decode(data, declared=declared))
    if REPORT_MARK in text[:2000]:
        raise NoEvidence
    return text


def _lines(text: str, begin: int = 0) -> Iterator[tuple[int, int, str]]:
    for match in _LINE.finditer(text, begin):
        if match.end() > match.start():
            yield match.start(), match.end(), match[0].rstrip("\r\n")


def _front_matter(text: str) -> tuple[dict[str, str], int]:
    match = re.match(r"---[ \t]*\r?\n(.{0,20000}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", text, re.S)
    if not match:
        return {}, 0
    pairs = re.findall(r"^(\w+):[ \t]*[\"'\[]?(.*?)[\"'\]]?[ \t]*\r?$", match[1], re.M)
    return {name.lower(): value for name, value in pairs if value}, match.end()


def _markdown_headings(text: str, begin: int) -> Iterator[tuple[int, int, str]]:
    fence = ""
    paragraph: list[tuple[int, str]] = []
    for start, end, line in _lines(text, begin):
        opening = _FENCE.match(line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
            paragraph = []
        elif fence:
            continue
        elif match := _ATX.match(line):
            yield start, end, _plain(match[1])
            paragraph = []
        elif len(paragraph) == 1 and _SETEXT.match(line):
            # Under a paragraph of several lines it is a rule more often than a heading.
            yield paragraph[0][0], end, _plain(paragraph[0][1])
            paragraph = []
        else:
            paragraph = [*paragraph, (start, line.strip())][:3] if line.strip() else []


def _without_asides(text: str, marks: list[Mark]) -> Iterator[Mark]:
    """Take comments, badges and link targets out of what may be quoted."""
    asides = deque(
        sorted([*_comments(text), *((match.start(), match.end()) for match in _ASIDE.finditer(text))])
    )
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        yield mark
        stop = following.start if following else len(text)
        while asides and asides[0][0] < stop:
            start, end = asides.popleft()
            if mark.quotable:
                yield replace(mark, start=start, quotable=False)
            if mark.quotable and end < stop:
                yield replace(mark, start=end)


def _comments(text: str) -> Iterator[tuple[int, int]]:
    # By hand: a pattern would search to the end of the text for each comment that is never closed.
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start)) >= 0:
        end = close + 3
        yield start, end


def _rst_headings(text: str) -> Iterator[tuple[int, int, str]]:
    before: list[tuple[int, str]] = []
    for start, end, line in _lines(text):
        adorned = _ADORNED.match(line)
        if adorned and before and _is_title(before[-1][1], line):
            over = len(before) > 1 and before[-2][1].rstrip() == line.rstrip()
            yield before[-2][0] if over else before[-1][0], end, before[-1][1].strip()
            before = []
            continue
        before = [*before[-1:], (start, line)]


def _is_title(line: str, under: str) -> bool:
    stripped = line.strip()
    return (
        bool(stripped)
        and not _ADORNED.match(line)
        and len(under.rstrip()) >= len(stripped)
        and len(stripped) < 200
    )


def _plain(heading: str) -> str:
    return _MARKUP.sub(lambda match: match[1] or "", heading).strip()
