"""Read members of zip files that nobody vouches for, within a bound."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from xml.etree import ElementTree

from .parsed import Unreadable

#: What one document may unpack to, over all members that are read.
MAX_UNPACKED: Final = 64 * 1024 * 1024


class Archive:
    """Hold an open zip file and count what is taken out of it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._left = MAX_UNPACKED
        self.names = frozenset(archive.namelist())

    def read(self, name: str) -> bytes:
        """Unpack one member; the size that its header claims is not believed."""
        try:
            with self._archive.open(name) as member:
                data = member.read(self._left + 1)
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            raise Unreadable(f"damaged: {name} cannot be unpacked") from None
        except RuntimeError:
            raise Unreadable("encrypted") from None
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"unpacks to more than {MAX_UNPACKED // 1024**2} MB")
        return data

    def xml(self, name: str) -> ElementTree.Element:
        """Parse one member; a document type is refused, for what entities can do."""
        data = self.read(name)
        if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data[:4096]:
            raise Unreadable(f"damaged: {name} defines a document type")
        try:
            return ElementTree.fromstring(data)
        except ElementTree.ParseError:
            raise Unreadable(f"damaged: {name} is not XML") from None


@contextmanager
def opened(data: bytes, kind: str) -> Iterator[Archive]:
    """Open the bytes of a zip file."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        raise Unreadable(f"not a {kind} file") from None
    with archive:
        yield Archive(archive)
