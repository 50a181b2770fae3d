"""Say who wrote a document and when, from a `.bib` or CSL-JSON file beside it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .bibtex import entries, plain
from .opening import read
from .parsing import Unreadable
from .parsing.encoding import decode
from .parsing.parsed import doi_in, year_in

#: A bibliography beyond this is a database.
_MAX_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Hold one entry of a bibliography."""

    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    #: The entry's key, and the names of the files it says are its own.
    names: frozenset[str] = frozenset()


class Bibliography:
    """Look documents up in the bibliographies of their folders."""

    def __init__(self, references: Iterable[Reference]) -> None:
        """Order the entries by what they can be found by."""
        self._by_name: dict[str, Reference] = {}
        self._by_doi: dict[str, Reference] = {}
        self._by_title: dict[str, Reference] = {}
        for reference in references:
            for name in reference.names:
                self._by_name.setdefault(name.casefold(), reference)
            if reference.doi:
                self._by_doi.setdefault(reference.doi.casefold(), reference)
            self._by_title.setdefault(_key(reference.title), reference)

    @classmethod
    def beside(cls, paths: Iterable[Path]) -> Bibliography:
        """Read the bibliographies in the folders of some files."""
        folders = sorted({os.path.dirname(path) for path in paths})
        return cls(reference for folder in folders for reference in _in_folder(Path(folder)))

    def find(self, path: Path, title: str | None, doi: str | None) -> Reference | None:
        """Find a document by its file's name, its DOI, or its title."""
        if not self._by_title:
            return None
        for name in (path.name, path.stem):
            if found := self._by_name.get(name.casefold()):
                return found
        if doi and (found := self._by_doi.get(doi.casefold())):
            return found
        key = _key(title or path.stem)
        return self._by_title.get(key) if len(key) >= 12 else None


def _key(title: str) -> str:
    return re.sub(r"[\W_]+", "", title.casefold())


def _in_folder(folder: Path) -> Iterator[Reference]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith((".bib", ".json")))
    except OSError:
        return
    for name in names:
        path = folder / name
        try:
            if path.stat().st_size <= _MAX_BYTES:
                text = decode(read(path, "text")[0])
                yield from _bibtex(text) if name.endswith(".bib") else _csl(text)
        except (OSError, Unreadable, ValueError, RecursionError):
            # A bibliography that cannot be read costs its names, not the session.
            continue


def _bibtex(text: str) -> Iterator[Reference]:
    for key, fields in entries(text):
        title = plain(fields.get("title", ""))
        if not title:
            continue
        yield Reference(
            title=title,
            authors=tuple(_authors(fields.get("author", ""))),
            year=year_in(fields.get("year", "") or fields.get("date", "")),
            doi=doi_in(plain(fields.get("doi", "") or fields.get("url", ""))),
            names=frozenset({key, *_files(fields.get("file", ""))}),
        )


def _authors(field: str) -> Iterator[str]:
    for name in re.split(r"\s+and\s+", field):
        last, comma, first = plain(name).partition(",")
        if last:
            yield f"{first.split(',')[-1].strip()} {last.strip()}" if comma else last


def _files(field: str) -> Iterator[str]:
    """Give the file names of a `file` field: paths, or Zotero's `title:path:type` parted by semicolons."""
    for part in re.split(r"(?<!\\);", field):
        for piece in re.split(r"(?<!\\):", part):
            name = re.split(r"[/\\]", piece.replace("\\:", ":").replace("\\;", ";"))[-1].strip("{} ")
            if "." in name:
                yield name


def _csl(text: str) -> Iterator[Reference]:
    if not text.lstrip().startswith("[") or '"title"' not in text[:20_000]:
        return
    for item in json.loads(text):
        if isinstance(item, dict) and isinstance(item.get("title"), str) and item["title"].strip():
            yield _csl_reference(item)


def _csl_reference(item: Mapping[str, Any]) -> Reference:
    authors = item.get("author")
    issued = item.get("issued")
    return Reference(
        title=item["title"].strip(),
        authors=tuple(filter(None, map(_csl_name, authors if isinstance(authors, list) else ()))),
        year=year_in(json.dumps(issued)) if isinstance(issued, dict) else None,
        doi=doi_in(str(item.get("DOI") or "")),
        names=frozenset({str(item.get("citation-key") or item.get("id") or "")} - {""}),
    )


def _csl_name(author: Any) -> str:
    if not isinstance(author, dict):
        return ""
    parts = (author.get("given"), author.get("non-dropping-particle"), author.get("family"))
    return " ".join(part for part in parts if isinstance(part, str)) or str(author.get("literal") or "")
