"""Read the Markdown that a researcher of one's own returned, and keep of it what does nothing.

Such a report is prose, not claims: nothing in it was checked. Its form is kept; raw HTML, images, links
to anything but the web, and definitions of macros are text here.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from ..report import Report
from . import layout, plain
from .blocks import WEB, blocks, everything, leads_to_the_web, parser

_CODE: Final = re.compile(r"(?<![`\\])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
_MACRO: Final = re.compile(
    r"\\(?=(?:[egx]?def|let|(?:re)?newcommand|newenvironment|require|href|input|include|write|csname|loop)"
    r"(?![A-Za-z]))"
)
#: Characters of a line beyond which its code is not looked for: the search takes the square of them.
_LONG: Final = 10_000
_SOURCES: Final = re.compile(r"^#{1,6} +(?:sources|references|bibliography)\b", re.IGNORECASE | re.MULTILINE)
_LINK: Final = re.compile(r"\](?:\(|:)\s*(?P<address>[^\s)]*)")
_TITLE: Final = re.compile(r"\s*# +(?P<title>[^\n]*\S)[ \t]*(?:\n|$)")


def title(report: Report) -> str:
    """Give the title that the Markdown begins with, else the report's."""
    match = _TITLE.match(report.markdown or "")
    if match is None:
        return layout.title(report)
    runs = [run for block in blocks(match["title"]) for cell in block.cells for run in cell]
    return plain.one_line("".join(run.text for run in runs)) or layout.title(report)


def subtitle(report: Report) -> str:
    """Give the topic, unless the title says it already."""
    topic = plain.one_line(report.topic)
    return "" if topic.casefold() in title(report).casefold() else topic


def body(report: Report) -> str:
    """Give the Markdown without the title that it begins with, and without unseen characters."""
    text = report.markdown or ""
    match = _TITLE.match(text)
    lines = (text[match.end() :] if match else text).splitlines()
    return "\n".join(plain.visible(line) for line in lines).strip("\n")


def lists_sources(report: Report) -> bool:
    """Tell whether a list of sources is to follow: not below prose that has one of its own."""
    return bool(report.sources) or not _SOURCES.search(report.markdown or "")


def harmless(text: str) -> str:
    """Give Markdown that looks the same and does nothing in whatever front end reads it."""
    result = _outside_code(text)
    if not _does_something(result):
        return result
    # Not a form that was thought of: no link stays, then no form at all.
    result = re.sub(r"\](?=[(\[:])", r"\\]", result)
    if not _does_something(result):
        return result
    from .markdown import opening

    return "\n".join(opening(line) for line in text.splitlines())


def _outside_code(text: str) -> str:
    fenced = _code_lines(text)
    lines = text.splitlines()
    return "\n".join(line if n in fenced else _line(line) for n, line in enumerate(lines))


def _code_lines(text: str) -> set[int]:
    tokens = parser(raw=True).parse(text)
    spans = (token.map for token in tokens if token.type in ("fence", "code_block") and token.map)
    return {number for first, last in spans for number in range(first, last)}


def _line(line: str) -> str:
    if len(line) > _LONG:
        return _words(line)
    parts, place = [], 0
    for match in _CODE.finditer(line):
        parts += [_words(line[place : match.start()]), match[0]]
        place = match.end()
    return "".join([*parts, _words(line[place:])])


def _words(text: str) -> str:
    text = re.sub(rf"<({WEB.pattern})>", r"\1", text, flags=re.IGNORECASE).replace("<", "&lt;")
    text = _LINK.sub(_link, text.replace("![", "\\!["))
    return _MACRO.sub("&#92;", text)


def _link(match: re.Match[str]) -> str:
    address = re.sub(r"\\(.)", r"\1", unescape(match["address"]))
    return match[0] if leads_to_the_web(address) else "\\" + match[0]


def _does_something(text: str) -> bool:
    """Tell whether a reader that takes everything finds HTML, an image or a link that is none to the web."""
    for token in everything(parser(raw=True).parse(text)):
        if token.type in ("html_block", "html_inline", "image"):
            return True
        if token.type == "link_open" and not leads_to_the_web(str(token.attrs.get("href", ""))):
            return True
    return False


def sections(text: str) -> list[str]:
    """Cut Markdown before its first- and second-level headings."""
    tokens = parser().parse(text)
    starts = [
        token.map[0]
        for token in tokens
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2") and token.map
    ]
    lines = text.splitlines()
    ends = [*starts[1:], len(lines)]
    parts = [
        lines[: starts[0] if starts else None],
        *(lines[a:b] for a, b in zip(starts, ends, strict=False)),
    ]
    return [part for lines in parts if (part := "\n".join(lines).strip("\n"))]
