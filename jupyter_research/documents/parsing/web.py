"""Parse HTML: the readable text in blocks, without menus, scripts and what is hidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .encoding import decode
from .parsed import PRODUCT, Composer, NoEvidence, Parsed, doi_in, year_in

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED: Final = (
    "script, style, template, noscript, iframe, object, svg, math annotation, nav, aside, "
    "footer, form, button, select, a.headerlink, [hidden], [aria-hidden=true], [role=navigation], "
    "[role=search], [role=contentinfo]"
)
_BLOCK_TAGS: Final = """
address article aside blockquote body caption dd details dialog div dl dt fieldset figcaption figure footer
h1 h2 h3 h4 h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul
"""
_BLOCKS: Final = frozenset(_BLOCK_TAGS.split())
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def parse_html(data: bytes) -> Parsed:
    """Parse an HTML file."""
    composer = Composer()
    tree = _tree(decode(data, declared=True))
    said = _said(tree)
    if PRODUCT in said.get("generator", ()):
        raise NoEvidence
    heading = compose(tree, composer)
    return Parsed(
        text=composer.text(),
        marks=tuple(composer.marks),
        title=_first(said, "citation_title") or _title(tree) or heading,
        authors=tuple(said.get("citation_author") or said.get("author") or ()),
        year=year_in(
            _first(said, "citation_publication_date", "citation_date", "article:published_time") or ""
        ),
        doi=doi_in(_first(said, "citation_doi", "dc.identifier") or ""),
    )


def compose_html(source: str, composer: Composer, *, cell: int | None = None) -> str | None:
    """Add the text of some HTML to a composer; give its first heading."""
    return compose(_tree(source), composer, cell=cell)


def compose(tree: LexborHTMLParser, composer: Composer, *, cell: int | None = None) -> str | None:
    """Add the blocks of a tree; give the first heading."""
    for node in tree.css(_DROPPED):
        node.decompose()
    first = heading = None
    for is_heading, text in _blocks(tree.body or tree.root):
        if is_heading:
            heading = text
            first = first or text
        composer.add(text, heading=heading, cell=cell, quotable=not is_heading)
    return first


def _tree(source: str) -> LexborHTMLParser:
    from selectolax.lexbor import LexborHTMLParser

    return LexborHTMLParser(source)


def _blocks(root: LexborNode | None) -> list[tuple[bool, str]]:
    """Walk the tree without recursion: pages nest deeper than Python may."""
    done: list[tuple[bool, str]] = []
    inline: list[str] = []
    heading = pre = False

    def flush() -> None:
        text = "".join(inline)
        inline.clear()
        text = text.strip("\n") if pre else re.sub(r"\s+", " ", text).strip()
        if text.strip():
            done.append((heading, text))

    stack: list[tuple[LexborNode, bool]] = [(root, False)] if root is not None else []
    while stack:
        node, leaving = stack.pop()
        tag = node.tag or ""
        if tag == "-text":
            inline.append(node.text_content or "")
            continue
        if tag == "br":
            inline.append("\n" if pre else " ")
            continue
        if tag in _BLOCKS:
            flush()
            heading, pre = tag in _HEADINGS and not leaving, tag == "pre" and not leaving
        if not leaving:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(_children(node)))
    flush()
    return done


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=True))


def _said(tree: LexborHTMLParser) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for node in tree.css("meta"):
        name = node.attributes.get("name") or node.attributes.get("property")
        content = (node.attributes.get("content") or "").strip()
        if name and content:
            said.setdefault(name.lower(), []).append(content)
    return said


def _first(said: dict[str, list[str]], *names: str) -> str | None:
    return next((said[name][0] for name in names if name in said), None)


def _title(tree: LexborHTMLParser) -> str | None:
    node = tree.css_first("title")
    text = re.sub(r"\s+", " ", node.text() if node else "").strip()
    return text or None
