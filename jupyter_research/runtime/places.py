"""Say where sessions may read: beneath the root folder, and in libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import PathRefused
from ..sources import EXAMPLE, example_library
from ..work import Caller, Place


class Places:
    """Know the root folder and the libraries."""

    def __init__(self, root: Path | None, libraries: Mapping[str, Path]) -> None:
        self._root = root
        self._configured = libraries

    def describe(self) -> Sequence[Mapping[str, str]]:
        """List the libraries that can be named as a source."""
        own = {"name": EXAMPLE, "description": "The documentation of jupyter_research."}
        configured = self._configured.items()
        return [own, *({"name": name, "description": f"The folder {path}."} for name, path in configured)]

    def of(self, notebook: str | None, caller: Caller) -> Place:
        """Say where a session of this notebook may read."""
        base = Path.cwd() if self._root is None else self._root
        folder, file = base, None
        if notebook is not None:
            file = base / notebook
            folder = file.parent
            if self._root is not None and not folder.resolve().is_relative_to(self._root.resolve()):
                raise PathRefused("notebook must be a path beneath the server's root folder.")
        return Place(
            root=self._root,
            folder=folder,
            libraries=self._libraries(),
            guest=caller.guest,
            owner=caller.owner,
            notebook=file,
        )

    def _libraries(self) -> dict[str, Path]:
        return {EXAMPLE: example_library(), **{name: Path(path) for name, path in self._configured.items()}}
