"""Read the Markdown that a researcher of one's own returned, and keep of it what does nothing.

Such a report is prose, not claims: nothing in it was checked. Its form is kept; raw HTML, images, links
to anything but the web, and definitions of macros are text here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from typing import TYPE_CHECKING, Final, Literal

from ..report import Report
from . import layout, plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_WEB: Final = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+", re.IGNORECASE)
_ANCHOR: Final = re.compile(r"#[\w-]+")
_CODE: Final = re.compile(r"(?<![`\\])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
_MACRO: Final = re.compile(
    r"\\(?=(?:[egx]?def|let|(?:re)?newcommand|newenvironment|require|href|input|include|write|csname|loop)"
    r"(?![A-Za-z]))"
)
_SOURCES: Final = re.compile(r"^#{1,6} +(?:sources|references|bibliography)\b", re.IGNORECASE | re.MULTILINE)
_LINK: Final = re.compile(r"\](?:\(|:)\s*(?P<address>[^\s)]*)")
_TITLE: Final = re.compile(r"\s*# +(?P<title>[^\n]*\S)[ \t]*(?:\n|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Hold a stretch of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    #: Where it leads, if to a place on the web.
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Hold a heading, a paragraph, an item of a list, a quotation, lines of code, or a row of a table."""

    kind: Literal["heading", "paragraph", "item", "quote", "code", "row"]
    #: Of a heading 1 to 6; of an item how deep its list lies, from 1.
    level: int = 0
    #: What stands before an item.
    marker: str = ""
    #: The text; of a row one tuple for each cell, else a single one.
    cells: tuple[tuple[Run, ...], ...] = ()


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


def parser(*, raw: bool = False) -> MarkdownIt:
    """Give a reader of Markdown; with `raw` one that takes everything, to see what others would."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": raw}).enable(["table", "strikethrough"])
    if raw:
        reader.validateLink = lambda url: True  # type: ignore[method-assign]
    else:
        reader.disable("image")
        reader.validateLink = _leads_to_the_web  # type: ignore[method-assign]
    return reader


def _leads_to_the_web(url: str) -> bool:
    return bool(_WEB.fullmatch(url) or _ANCHOR.fullmatch(url))


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
    parts, place = [], 0
    for match in _CODE.finditer(line):
        parts += [_words(line[place : match.start()]), match[0]]
        place = match.end()
    return "".join([*parts, _words(line[place:])])


def _words(text: str) -> str:
    text = re.sub(rf"<({_WEB.pattern})>", r"\1", text, flags=re.IGNORECASE).replace("<", "&lt;")
    text = _LINK.sub(_link, text.replace("![", "\\!["))
    return _MACRO.sub("&#92;", text)


def _link(match: re.Match[str]) -> str:
    address = re.sub(r"\\(.)", r"\1", unescape(match["address"]))
    return match[0] if _leads_to_the_web(address) else "\\" + match[0]


def _does_something(text: str) -> bool:
    """Tell whether a reader that takes everything finds HTML, an image or a link that is none to the web."""
    for token in everything(parser(raw=True).parse(text)):
        if token.type in ("html_block", "html_inline", "image"):
            return True
        if token.type == "link_open" and not _leads_to_the_web(str(token.attrs.get("href", ""))):
            return True
    return False


def everything(tokens: list[Token]) -> list[Token]:
    """Give tokens with those inside them."""
    return [*tokens, *(child for token in tokens for child in token.children or ())]


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


def blocks(text: str) -> list[Block]:
    """Give the Markdown as blocks, for formats that have no Markdown."""
    builder = _Builder()
    for token in parser().parse(text):
        builder.take(token)
    return builder.blocks


class _Builder:
    """Gather blocks from tokens."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        #: For each open list the number of its next item; None where items have dots.
        self._lists: list[int | None] = []
        self._marker = ""
        self._cells: list[tuple[Run, ...]] | None = None
        #: How many quotations, and heads of tables, are open.
        self._open = {"blockquote": 0, "thead": 0}

    def take(self, token: Token) -> None:
        """Take in the next token."""
        if token.type.endswith("_list_open"):
            self._lists.append(int(token.attrs.get("start", 1)) if token.tag == "ol" else None)
        elif token.type.endswith("_list_close"):
            self._lists.pop()
        elif token.type == "list_item_open":
            self._begin_item()
        elif token.type in ("fence", "code_block"):
            self._add("code", (Run(text=plain.visible(token.content.rstrip("\n")), code=True),))
        elif token.type == "tr_open":
            self._cells = []
        elif token.type == "tr_close":
            self.blocks.append(Block(kind="row", cells=tuple(self._cells or ())))
            self._cells = None
        elif token.type == "heading_open":
            self.blocks.append(Block(kind="heading", level=int(token.tag[1:])))
        elif token.tag in self._open:
            self._open[token.tag] += token.nesting
        elif token.type == "inline":
            self._text(tuple(_runs(token)))

    def _begin_item(self) -> None:
        number = self._lists[-1]
        self._marker = "•" if number is None else f"{number}."
        if number is not None:
            self._lists[-1] = number + 1

    def _text(self, runs: tuple[Run, ...]) -> None:
        if self._cells is not None:
            head = self._open["thead"] > 0
            self._cells.append(tuple(replace(run, bold=run.bold or head) for run in runs))
        elif self.blocks and self.blocks[-1].kind == "heading" and not self.blocks[-1].cells:
            self.blocks[-1] = replace(self.blocks[-1], cells=(runs,))
        else:
            self._add("item" if self._lists else "quote" if self._open["blockquote"] else "paragraph", runs)

    def _add(self, kind: Literal["paragraph", "item", "quote", "code"], runs: tuple[Run, ...]) -> None:
        self.blocks.append(Block(kind=kind, level=len(self._lists), marker=self._marker, cells=(runs,)))
        self._marker = ""


def _runs(token: Token) -> Iterator[Run]:
    style = Run(text="")
    for child in token.children or ():
        if child.type in ("strong_open", "strong_close"):
            style = replace(style, bold=child.nesting == 1)
        elif child.type in ("em_open", "em_close"):
            style = replace(style, italic=child.nesting == 1)
        elif child.type in ("link_open", "link_close"):
            href = str(child.attrs.get("href", ""))
            style = replace(style, address=href if _WEB.fullmatch(href) else None)
        elif child.type == "code_inline":
            yield replace(style, text=plain.one_line(child.content), code=True)
        elif child.type in ("softbreak", "hardbreak"):
            yield replace(style, text=" " if child.type == "softbreak" else "\n")
        elif child.content:
            yield replace(style, text=plain.visible(child.content))
