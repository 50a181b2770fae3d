"""Find the files that a person named, and only those that may be read from where they stand.

A path is read beneath the server's root folder or a configured library, after links are
resolved; for a guest, beneath a library only. Without a root everything that the process may.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ..documents import DOCUMENTS, KINDS, FileRef, kind_of
from ..errors import PathRefused, UnknownName
from ..work import Place
from .unasked import MAX_SECONDS, survey
from .walk import Walk, is_skipped

#: The library that the package carries.
EXAMPLE: Final = "example"

_BARE: Final = re.compile(r"[\w-]+")
_MAGIC: Final = re.compile(r"[*?\[]")
_BLOCK: Final = 1024 * 1024
#: A larger file is never read as a document: its size and time stand for its content.
_HASHED: Final = 250 * _BLOCK


def example_library() -> Path:
    """Give the folder of our own documentation: as the wheel carries it, or as the checkout has it."""
    package = Path(__file__).resolve().parents[1]
    carried = package / "example_library"
    return carried if carried.is_dir() else package.parent / "docs"


def resolve(names: Sequence[str], place: Place) -> list[FileRef]:
    """Give the files behind names: libraries, files, folders, globs.

    Without a name the place's folder, documents only; more than anybody means to read
    raises `InvalidRequest` that offers subfolders. Raises `PathRefused`, `UnknownName`.
    """
    reach = Reach(place)
    if not names:
        folder = reach.default()
        walk = Walk(folder, DOCUMENTS, reach.allows, gitignore=True, seconds=MAX_SECONDS)
        return reach.files(survey(walk, folder, reach.show))
    return reach.files(path for name in names for path in reach.read(name))


def check(names: Sequence[str], place: Place) -> None:
    """Raise what `resolve` would raise about the names themselves, without walking a folder."""
    reach = Reach(place)
    if not names:
        reach.default()
    for name in names:
        reach.named(name, deep=False)


def fingerprint(files: Sequence[FileRef], known: Mapping[Path, str] = MappingProxyType({})) -> str:
    """Give one hash over the contents of files: the same as long as none has changed.

    `known` are hashes that need not be taken again, as `Library.hashes` gives them.
    """
    joined = "\n".join(sorted(known.get(file.path) or _content(file.path) for file in files))
    return f"sha256:{hashlib.sha256(joined.encode()).hexdigest()}"


def shown_folder(place: Place) -> str:
    """Name the folder that is read when nothing is named."""
    shown = Reach(place).show(Path(os.path.realpath(place.folder)))
    return "this folder" if shown == "." else f"the folder {shown}"


class Reach:
    """Say what may be read from a place, and how it is called there."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._libraries = {**{EXAMPLE: example_library()}, **place.libraries}
        self._base = Path(os.path.realpath(place.root if place.root is not None else place.folder))
        self._beneath = os.path.join(self._base, "")
        roots = [Path(os.path.realpath(path)) for path in self._libraries.values()]
        if not place.guest and place.root is not None:
            roots.append(self._base)
        self._roots: tuple[Path, ...] | None = (
            None if place.root is None and not place.guest else tuple(roots)
        )

    def allows(self, path: Path) -> bool:
        """Tell whether a resolved path may be read."""
        return self._roots is None or any(path.is_relative_to(root) for root in self._roots)

    def show(self, path: Path) -> str:
        """Give a path as people see it, in one line."""
        # By the text alone: thousands of files are named at each refresh, and a `Path` is slow to take apart.
        shown = "." if path == self._base else os.fspath(path).removeprefix(self._beneath)
        text = shown if shown.isascii() else os.fsencode(shown).decode("utf-8", "replace")
        if text.isprintable():
            return text
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )

    def default(self) -> Path:
        """Give the folder that is read when nothing is named."""
        folder = Path(os.path.realpath(self._place.folder))
        if not self.allows(folder) or not os.access(folder, os.R_OK | os.X_OK):
            raise PathRefused(f"Name what to read: one of the libraries {self._offer()}.")
        return folder

    def named(self, name: str, *, deep: bool = True) -> list[Path]:
        """Give the files and folders behind one name, resolved.

        Without `deep` a glob that goes through whole folders is checked for where it starts.
        """
        if name in self._libraries:
            return [self._checked(Path(self._libraries[name]), name)]
        if "\x00" in name or not name.strip():
            raise self._refusal(name)
        path = self._place.folder / os.path.expanduser(name)
        if _MAGIC.search(name) and not os.path.lexists(path):
            return self._globbed(path, name, deep=deep)
        return [self._checked(path, name)]

    def read(self, name: str) -> Iterator[Path]:
        """Give the files behind one name."""
        exact = name not in self._libraries and not _MAGIC.search(name)
        for path in self.named(name):
            if path.is_dir():
                walk = Walk(path, _all_kinds(), self.allows, gitignore=False)
                yield from (found.path for found in walk)
            elif exact or kind_of(path) or _names_suffix(name):
                yield path

    def files(self, paths: Iterator[Path]) -> list[FileRef]:
        """Name each file once, in order."""
        return [FileRef(path=path, name=self.show(path)) for path in dict.fromkeys(paths)]

    def _checked(self, path: Path, name: str) -> Path:
        try:
            resolved = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise self._refusal(name) from None
        if not self.allows(resolved) or not os.access(resolved, os.R_OK):
            raise self._refusal(name)
        return resolved

    def _globbed(self, path: Path, name: str, *, deep: bool) -> list[Path]:
        parts = path.parts
        first = next(number for number, part in enumerate(parts) if _MAGIC.search(part))
        start, pattern = self._checked(Path(*parts[:first]), name), parts[first:]
        if ".." in pattern:
            raise self._refusal(name)
        if "**" in pattern and not deep:
            return [start]
        try:
            matches = sorted(start.glob("/".join(pattern)))
        except (ValueError, OSError):
            raise self._refusal(name) from None
        hidden = any(part.startswith(".") for part in pattern)
        visible = [match for match in matches if hidden or not is_skipped(match.relative_to(start))]
        found = [resolved for match in visible if self.allows(resolved := Path(os.path.realpath(match)))]
        if not found:
            raise self._refusal(name)
        return found

    def _refusal(self, name: str) -> UnknownName | PathRefused:
        shown = repr(name if len(name) <= 200 else f"{name[:200]}…")
        if _BARE.fullmatch(name):
            return UnknownName(
                f"There is no library called {shown}, and no such file or folder that may be read from here:"
                f" name a path, or one of the libraries {self._offer()}."
            )
        if self._roots is None:
            return PathRefused(f"{shown} does not exist or may not be read.")
        where = "" if self._place.guest else "a path beneath the server's root folder, or "
        return PathRefused(
            f"{shown} does not exist or may not be read from here: name {where}one of the libraries"
            f" {self._offer()}."
        )

    def _offer(self) -> str:
        return ", ".join(sorted(self._libraries))


def _all_kinds() -> Collection[str]:
    return frozenset(KINDS.values())


def _names_suffix(glob: str) -> bool:
    suffix = Path(glob).suffix
    return bool(suffix) and not _MAGIC.search(suffix)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _content(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        # Through the one way of opening that neither waits for a pipe nor follows a link.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return "not a file"
            if found.st_size > _HASHED:
                return f"{found.st_size} bytes of {found.st_mtime_ns}"
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        return f"unreadable {error.errno}"
    return f"sha256:{digest.hexdigest()}"
