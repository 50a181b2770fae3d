"""Hold a folder or file that sessions may read, and search it without one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest
from .connection import connect
from .local import LocalClient, NotInstalled
from .server import ServerClient
from .session import table

#: The name of our own documentation among the libraries.
_EXAMPLE = "example"


class Collection(os.PathLike[str]):
    """Name documents: as a source of sessions, or to search in them.

    `research(topic, sources=library("papers"))` · `library("papers").search("…")`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Take a path, relative ones from the current folder; raise `InvalidRequest` where nothing is."""
        place = Path(path).expanduser().resolve()
        if os.fspath(path) != _EXAMPLE and not place.exists():
            raise InvalidRequest(f"{place} does not exist: give the path of a folder or a file.")
        #: The full path, or the name of a library.
        self.name = _EXAMPLE if os.fspath(path) == _EXAMPLE and not place.exists() else str(place)

    def search(self, query: str, k: int = 20) -> Any:
        """Give the passages that fit best: a DataFrame, or a list of records where pandas is not installed.

        They are read in this process, or by the server where this environment has only what talks to it.

        Args:
            query: words; their endings do not matter.
            k: how many passages, 1 to 1000.

        Raises:
            InvalidRequest: for an empty query or a `k` out of range.
            NoDocuments: when there is nothing to read.
        """
        return table(_client().search(query, sources=[self.name], k=k))

    def __fspath__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"library({self.name!r})"


def _client() -> LocalClient | ServerClient:
    try:
        return LocalClient.of_this_process()
    except NotInstalled:
        client = connect()
        if not isinstance(client, ServerClient):
            raise
        return client
