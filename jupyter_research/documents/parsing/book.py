"""Parse EPUB: the chapters in the order of the spine."""

from __future__ import annotations

import posixpath
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from .archive import Archive, opened
from .encoding import decode
from .parsed import Composer, Parsed, Unreadable, year_in
from .web import compose_html

_CONTAINER: Final = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"


def parse_epub(data: bytes) -> Parsed:
    """Parse an EPUB file."""
    with opened(data, "EPUB") as archive:
        if "META-INF/container.xml" not in archive.names:
            raise Unreadable("not an EPUB file")
        if "META-INF/encryption.xml" in archive.names and _encrypts_text(archive):
            raise Unreadable("encrypted")
        package = _package(archive)
        folder = posixpath.dirname(package)
        root = archive.xml(package)
        composer = Composer()
        for chapter in _chapters(root, folder):
            if chapter in archive.names:
                compose_html(decode(archive.read(chapter), declared=True), composer)
    return Parsed(
        text=composer.text(),
        marks=tuple(composer.marks),
        title=(root.findtext(f".//{_DC}title") or "").strip() or None,
        authors=tuple(name.text.strip() for name in root.iter(f"{_DC}creator") if name.text),
        year=year_in(root.findtext(f".//{_DC}date") or ""),
    )


def _encrypts_text(archive: Archive) -> bool:
    references = (node.get("URI", "") for node in archive.xml("META-INF/encryption.xml").iter())
    return any(reference.endswith((".html", ".xhtml", ".htm")) for reference in references)


def _package(archive: Archive) -> str:
    node = archive.xml("META-INF/container.xml").find(f".//{_CONTAINER}rootfile")
    path = node.get("full-path", "") if node is not None else ""
    if path not in archive.names:
        raise Unreadable("damaged: no package document")
    return path


def _chapters(root: Element, folder: str) -> list[str]:
    items = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in root.iter(f"{_OPF}item")
        if item.get("properties") != "nav"
    }
    return [items[ref] for node in root.iter(f"{_OPF}itemref") if (ref := node.get("idref")) in items]
