"""Open the library that a list of sources stands for.

Three kinds of index: the one that lies beside a configured library, read and never written; one kept for
each owner, folder and list of sources; and, for a session with documents of its own, one in its folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from ..documents import FileRef, IndexUnusable, Library, SharedLibrary
from ..sources import EXAMPLE, resolve, shown_folder
from ..work import Place, Work
from .given import GivenDocuments
from .options import Options

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Name what is to be read, by whom, and where indexes are kept."""

    owner: str
    place: Place
    sources: tuple[str, ...]
    indexes: Path
    #: The folder of a session that has documents of its own.
    session: Path | None = None
    #: Whether there is a library at all: a session with online sources alone reads no file.
    wanted: bool = True

    @classmethod
    def of(cls, work: Work, indexes: Path) -> Collection:
        """Give the collection of a session."""
        options = Options.stored(work.options)
        return cls(
            owner=work.owner,
            place=work.place,
            sources=options.files,
            indexes=indexes,
            session=work.folder if options.documents or not options.reads else None,
            wanted=options.reads,
        )

    def files(self) -> list[FileRef]:
        """Find the files: those that the sources name, and the session's own."""
        if not self.wanted:
            return []
        given = list(GivenDocuments(self.session).files()) if self.session else []
        return [*(resolve(self.sources, self.place) if self.sources or not given else ()), *given]

    @property
    def where(self) -> str:
        """Name what is read, as a person would."""
        given = [file.name for file in GivenDocuments(self.session).files()] if self.session else []
        return ", ".join([*self.sources, *given]) or shown_folder(self.place)

    def open(self, files: Sequence[FileRef], *, workers: int | None = None) -> Library:
        """Open the library of these files; it reads nothing yet."""
        shared = self._everybodys(files)
        if shared is not None:
            return shared
        self.index.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.index.exists():
            self._begin_with_what_is_known()
        return Library(self.index, files, workers=workers, about=self._about())

    def hashes(self, files: Sequence[FileRef]) -> dict[Path, str]:
        """Give the hashes of those files that are as they were when they were read."""
        library = self._everybodys(files) or (Library(self.index, files) if self.index.exists() else None)
        if library is None:
            return {}
        with closing(library):
            return library.hashes()

    @property
    def index(self) -> Path:
        """Name the index that is written."""
        if self.session is not None:
            return self.session / "library.sqlite"
        return self.indexes / f"{self._key()}.sqlite"

    def _key(self) -> str:
        libraries = {name: str(path) for name, path in self.place.libraries.items() if name in self.sources}
        place = [self.place.guest, str(self.place.root), os.fspath(self.place.folder)]
        named = [self.owner, *place, list(self.sources), libraries]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:32]

    def _about(self) -> dict[str, str]:
        return {
            "folder": os.fsencode(self.place.folder).decode("utf-8", "replace"),
            "sources": json.dumps(list(self.sources)),
        }

    def _everybodys(self, files: Sequence[FileRef]) -> SharedLibrary | None:
        """Open the shared index where it has all that is read."""
        alone = self.session is None and len(self.sources) == 1
        return self._shared(self.sources[0], files) if alone else None

    def _shared(self, name: str, files: Sequence[FileRef]) -> SharedLibrary | None:
        """Open the index that an administrator has put beside a configured library, where there is one."""
        folder = self.place.libraries.get(name)
        if folder is None or name == EXAMPLE:
            return None
        try:
            return SharedLibrary.beside(Path(os.path.realpath(folder)), files)
        except IndexUnusable as error:
            log.warning("The library %s is read anew: %s", name, error)
            return None

    def _begin_with_what_is_known(self) -> None:
        """Copy an index that has some of these files, so that they need no second parsing."""
        if self.session is not None:
            own = Collection(
                owner=self.owner, place=self.place, sources=self.sources, indexes=self.indexes
            ).index
            if self.sources and own.exists():
                # One that is damaged is of no use here, and is made anew by whoever reads it next.
                with suppress(sqlite3.DatabaseError), closing(Library(own, ())) as library:
                    library.copy(self.index)
                return
        for name in self.sources:
            shared = self._shared(name, ())
            if shared is not None:
                with closing(shared):
                    if not shared.moved:
                        shared.copy(self.index)
                        return
