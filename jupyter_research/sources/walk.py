"""Go through a folder for files that can be read, without what is nobody's document."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..documents import kind_of
from .ignore import Rule, ignored, rules_above, rules_of

_SKIPPED: Final = frozenset(
    {"node_modules", "site-packages", "dist-packages", "__pycache__", "__pypackages__", "bower_components"}
)
#: A folder that holds one of these is an environment.
_ENVIRONMENT: Final = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Name a file that a walk came upon."""

    #: Resolved; as it stands when it leads out, or cannot be read: opening it says why.
    path: Path
    size: int = 0


def is_skipped(path: Path) -> bool:
    """Tell whether a part of a relative path is hidden, or a folder of other people's code."""
    return any(map(_is_skipped, path.parts))


class Walk:
    """Walk one folder; links are followed only to where `allowed` says."""

    def __init__(
        self,
        folder: Path,
        kinds: Collection[str],
        allowed: Callable[[Path], bool],
        *,
        gitignore: bool,
        seconds: float | None = None,
    ) -> None:
        self._folder = folder
        self._kinds = kinds
        self._allowed = allowed
        self._gitignore = gitignore
        self._until = None if seconds is None else time.monotonic() + seconds
        self._seen: set[Path] = set()
        #: Whether the time was up before the end.
        self.cut_short = False

    def __iter__(self) -> Iterator[Found]:
        """Give the files, folder by folder, each in the order of the names."""
        rules = rules_above(self._folder) if self._gitignore else ()
        stack = [(self._folder, rules)]
        self._seen.add(self._folder)
        while stack:
            if self._until is not None and time.monotonic() > self._until:
                self.cut_short = True
                return
            folder, rules = stack.pop()
            if self._gitignore:
                rules += rules_of(folder)
            try:
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError:
                yield Found(path=folder)
                continue
            if folder != self._folder and any(entry.name in _ENVIRONMENT for entry in entries):
                continue
            inner: list[tuple[Path, tuple[Rule, ...]]] = []
            for entry in entries:
                yield from self._enter(entry, rules, inner)
            stack += reversed(inner)

    def _enter(
        self, entry: os.DirEntry[str], rules: tuple[Rule, ...], inner: list[tuple[Path, tuple[Rule, ...]]]
    ) -> Iterator[Found]:
        if _is_skipped(entry.name):
            return
        path = Path(entry.path)
        is_folder = _is_folder(entry)
        if ignored(path, is_folder, rules):
            return
        if is_folder:
            place = self._place(entry, path)
            if place is None:
                yield Found(path=path)
            elif place not in self._seen:
                self._seen.add(place)
                inner.append((place, rules if place == path else ()))
        elif kind_of(path) in self._kinds:
            place = self._place(entry, path)
            yield Found(path=place or path, size=_size(entry))

    def _place(self, entry: os.DirEntry[str], path: Path) -> Path | None:
        """Give where an entry lies; None for a link that leads out or in a circle."""
        if not entry.is_symlink():
            return path
        try:
            place = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return place if self._allowed(place) else None


def _is_skipped(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _SKIPPED


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:
        return 0
