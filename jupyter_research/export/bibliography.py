"""Write the sources of a report for reference managers: BibTeX and CSL-JSON."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from ..report import Report, Source
from . import plain, references

#: Braces as commands: BibTeX counts braces even where a backslash stands before them.
_LATEX: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: "\\" + sign for sign in "&%$#_"},
    }
)
_DOI: Final = re.compile(r"10\.\d{4,9}/\S+")
_NO_WORDS: Final = frozenset({"a", "an", "the", "on", "of", "in", "and", "for", "to"})


def bibtex(report: Report) -> bytes:
    """Give the sources as a BibTeX file."""
    sources = references.sources(report)
    entries = [_entry(key, source) for key, source in zip(_keys(sources), sources, strict=True)]
    return "\n\n".join([*entries, ""]).lstrip("\n").encode("utf-8")


def _entry(key: str, source: Source) -> str:
    kind = "article" if _doi(source) else "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in _fields(source)]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _fields(source: Source) -> Iterator[tuple[str, str]]:
    # The second braces keep capitals as they are.
    yield "title", f"{{{_escaped(references.source_title(source))}}}"
    if authors := _authors(source):
        yield "author", " and ".join(_author(name) for name in authors)
    if source.year is not None:
        yield "year", str(source.year)
    if doi := _doi(source):
        yield "doi", quote(doi, safe="/().;:-_")
    if address := references.web_address(source):
        yield "url", quote(address, safe="/:?#[]@!$&'()*+,;=-._~%")
    if note := _note(source):
        yield "note", _escaped(note)


def _author(name: str) -> str:
    """Give one name; in braces where BibTeX would take a word of it for the end, or cannot tell its parts."""
    text = _escaped(name)
    whole = re.search(r"\band\b|^others$", text, re.IGNORECASE) or text.count(",") > 2
    return f"{{{text}}}" if whole else text


def _escaped(text: str) -> str:
    return text.translate(_LATEX)


def _keys(sources: list[Source]) -> Iterator[str]:
    """Give each source a key of its own: author, year, first word of the title."""
    used: Counter[str] = Counter()
    for source in sources:
        key = _key(source)
        used[key] += 1
        yield key if used[key] == 1 else f"{key}-{used[key]}"


def _key(source: Source) -> str:
    authors = _authors(source)
    family = _family(authors[0]) if authors else ""
    words = [word for word in _ascii(references.source_title(source)).split() if word not in _NO_WORDS]
    year = str(source.year) if source.year is not None else ""
    parts = [*_ascii(family).split()[-1:], *([year] if year else []), *words[:1]]
    return "".join(parts)[:40] or source.id


def _ascii(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", bare.lower())


def _family(name: str) -> str:
    return name.split(",")[0] if "," in name else name


def _authors(source: Source) -> list[str]:
    return [name for author in source.authors if (name := plain.one_line(author))]


def _doi(source: Source) -> str | None:
    match = _DOI.fullmatch(plain.one_line(source.doi or ""))
    return match[0] if match else None


def _note(source: Source) -> str:
    place = "" if references.web_address(source) else references.source_place(source)
    return ", ".join(filter(None, [place, plain.one_line(source.hash or "")]))


def csl_json(report: Report) -> bytes:
    """Give the sources as CSL-JSON, which Zotero and pandoc read."""
    sources = references.sources(report)
    items = [_item(key, source) for key, source in zip(_keys(sources), sources, strict=True)]
    return (json.dumps(items, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _item(key: str, source: Source) -> dict[str, Any]:
    doi, address = _doi(source), references.web_address(source)
    kind = "article-journal" if doi else "webpage" if address else "document"
    item = {
        "id": key,
        "type": kind,
        "title": references.source_title(source),
        "author": [_name(author) for author in _authors(source)],
        "issued": {"date-parts": [[source.year]]} if source.year is not None else None,
        "DOI": doi,
        "URL": address,
        "note": _note(source),
    }
    return {name: value for name, value in item.items() if value}


def _name(author: str) -> dict[str, str]:
    """Split a name only where its comma says how; any other guess would misname somebody."""
    family, comma, given = author.partition(",")
    if comma and family.strip() and given.strip():
        return {"family": family.strip(), "given": given.strip()}
    return {"literal": author}
