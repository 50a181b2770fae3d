"""Search an index that was built for everybody: it lies beside the documents, and is never written."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import PathRefused
from ..work import Control
from .index import Index
from .library import Library, Progress, silent
from .opening import Stamp
from .reading import Outcome
from .records import Document, Failure, FileRef, Indexed
from .rows import Known
from .schema import IndexUnusable, connect_to_read, remove

_NEW: Final = "not in its library's index: newer than it, or not for everybody to read"
_CHANGED: Final = "changed since its library's index was built, so it is quoted as it was"
_NOT_OPEN: Final = "not everybody who may read the folder may read it"
_GONE: Final = "gone since its library's index was built, so it is quoted as it was"


class SharedLibrary(Library):
    """Search a folder's own index, and name what has changed since it was built."""

    @staticmethod
    def place(folder: Path) -> Path:
        """Say where the index of a folder lies: hidden, so that no walk reads it."""
        return folder / ".jupyter_research" / "library.sqlite"

    @classmethod
    def build(cls, folder: Path, files: Sequence[FileRef], progress: Progress = silent) -> Indexed:
        """Build the index of a folder, or bring it up to date; who searches meanwhile has the old one.

        Whoever may read the folder may read the index, so what they may not read stays out of it.
        """
        target = cls.place(folder)
        readers = os.stat(folder).st_mode & 0o044
        theirs = [file for file in files if _is_open(file.path, folder, readers)]
        new = target.with_name(f"{target.name}.new")
        _make_ours(target.parent)
        remove(new)
        try:
            _open_as(folder, target.parent, 0o700, os.stat(folder).st_mode & 0o055)
            _begin_with(folder, new)
            with closing(Library(new, theirs, about={"folder": os.fspath(folder)})) as library:
                indexed = library.refresh(progress=progress)
                library.finish()
            _open_as(folder, new, 0o600, readers)
            os.replace(new, target)
        finally:
            remove(new)
        left_out = [Failure(name=file.name, reason=_NOT_OPEN) for file in files if file not in theirs]
        return replace(indexed, failures=(*indexed.failures, *left_out))

    @classmethod
    def beside(cls, folder: Path, files: Sequence[FileRef]) -> SharedLibrary | None:
        """Open the index of a folder, where it has one; raise `IndexUnusable`."""
        return cls(folder, files) if cls.place(folder).is_file() else None

    def __init__(self, folder: Path, files: Sequence[FileRef]) -> None:
        """Open the index of a folder; raise `IndexUnusable` where it cannot be used."""
        path = self.place(folder)
        super().__init__(path, files)
        self._folder = folder
        self._names = {file.path: file.name for file in files}
        self._index = Index(path, connect_to_read, self._seen)
        try:
            # The folder may be mounted elsewhere than where its index was built.
            self._built = Path(self._index.about()["folder"])
        except (KeyError, sqlite3.DatabaseError) as error:
            self._index.close()
            raise IndexUnusable(f"{path} is no index of a folder.") from error

    def refresh(self, *, progress: Progress = silent, control: Control | None = None) -> Indexed:
        """Compare the files with the index; read none."""
        known = {self._here(Path(path)): one for path, one in self._index.known().items()}
        outcome = Outcome(failures=list(self._gone(known)))
        for file in self._files:
            self._compare(file, known.get(file.path), outcome)
        progress(len(self._files), len(self._files), "")
        return self._indexed(outcome, self._index.documents())

    @property
    def moved(self) -> bool:
        """Tell whether the folder lies elsewhere than where its index was built."""
        return self._built != self._folder

    def hashes(self) -> dict[Path, str]:
        """Give the content hashes of those files that are as they were when the index was built."""
        known = {self._here(Path(path)): one for path, one in self._index.known().items()}
        found = ((file.path, known.get(file.path)) for file in self._files)
        return {path: one.hash for path, one in found if one and one.hash and _is_as(path, one.stamp)}

    def _compare(self, file: FileRef, known: Known | None, outcome: Outcome) -> None:
        if known is None:
            outcome.failures.append(Failure(name=file.name, reason=_NEW))
        elif not _is_as(file.path, known.stamp):
            outcome.failures.append(Failure(name=file.name, reason=_CHANGED))
        elif known.failure is not None:
            outcome.failures.append(Failure(name=file.name, reason=known.failure))
        elif known.hash is not None:
            outcome.unchanged += 1

    def _gone(self, known: Mapping[Path, Known]) -> Iterator[Failure]:
        for path in known.keys() - self._names.keys():
            if known[path].hash is not None:
                yield Failure(name=os.path.relpath(path, self._folder), reason=_GONE)

    def _here(self, path: Path) -> Path:
        return self._folder / path.relative_to(self._built) if path.is_relative_to(self._built) else path

    def _seen(self, document: Document) -> Document:
        path = self._here(document.path)
        return replace(document, path=path, name=self._names.get(path, document.name))


def _make_ours(folder: Path) -> None:
    """Make the folder of the index, and take none that somebody else has put there.

    A link would lead whoever runs this, who may be root, to change the permissions of what it points at.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or (os.name == "posix" and found.st_uid != os.geteuid()):
        raise PathRefused(
            f"{folder} is a link, or belongs to somebody else: look at it and remove it, then run this again."
        )


def _open_as(folder: Path, path: Path, own: int, bits: int) -> None:
    """Give a path permission bits of a folder; its group's only where the group can be given too."""
    try:
        os.chown(path, -1, os.stat(folder).st_gid)
    except PermissionError:
        bits &= ~0o070
    path.chmod(own | bits)


def _is_open(path: Path, folder: Path, readers: int) -> bool:
    """Tell whether those who may read a folder may read a file in it; `readers` are their permission bits."""
    try:
        found = os.stat(path)
        inner = [os.stat(one) for one in path.parents if one != folder and one.is_relative_to(folder)]
    except OSError:
        # It cannot be read by anybody, and the reading says why.
        return True
    group = os.stat(folder).st_gid
    # To come through a folder takes its x, two bits from r.
    return _lets(found, readers, group) and all(_lets(one, readers >> 2, group) for one in inner)


def _lets(found: os.stat_result, bits: int, group: int) -> bool:
    mode = found.st_mode
    if found.st_gid != group:
        # To that group its members are anybody.
        mode = (mode & ~0o070) | ((mode & 0o007) << 3)
    return mode & bits == bits


def _begin_with(folder: Path, new: Path) -> None:
    """Copy what the last building read; one that cannot be used is built anew."""
    with suppress(IndexUnusable):
        old = SharedLibrary.beside(folder, ())
        if old is not None:
            with closing(old):
                if not old.moved:
                    old.copy(new)


def _is_as(path: Path, stamp: Stamp) -> bool:
    """Compare size and date alone: another machine sees the same file under another inode."""
    try:
        return Stamp.of(os.stat(path))[:2] == stamp[:2]
    except OSError:
        return False
