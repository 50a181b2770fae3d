"""Read Markdown into blocks and runs, as the formats that have none draw it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from . import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

WEB: Final = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+", re.IGNORECASE)
_ANCHOR: Final = re.compile(r"#[\w-]+")


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


def parser(*, raw: bool = False) -> MarkdownIt:
    """Give a reader of Markdown; with `raw` one that takes everything, to see what others would."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": raw}).enable(["table", "strikethrough"])
    if raw:
        reader.validateLink = lambda url: True  # type: ignore[method-assign]
    else:
        reader.disable("image")
        reader.validateLink = leads_to_the_web  # type: ignore[method-assign]
    return reader


def leads_to_the_web(url: str) -> bool:
    """Tell whether a link goes to a place on the web, or within the page."""
    return bool(WEB.fullmatch(url) or _ANCHOR.fullmatch(url))


def everything(tokens: list[Token]) -> list[Token]:
    """Give tokens with those inside them."""
    return [*tokens, *(child for token in tokens for child in token.children or ())]


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
            style = replace(style, address=href if WEB.fullmatch(href) else None)
        elif child.type == "code_inline":
            yield replace(style, text=plain.one_line(child.content), code=True)
        elif child.type in ("softbreak", "hardbreak"):
            yield replace(style, text=" " if child.type == "softbreak" else "\n")
        elif child.content:
            yield replace(style, text=plain.visible(child.content))
