"""Keep the documents that came with a session's request: cells of a notebook, a table in words.

They lie in the session's own folder, go with it, and are part of no other session's library.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..documents import FileRef
from ..errors import InvalidRequest

#: What such a document may be, and the suffix by which it is parsed.
KINDS: Final = {"notebook": ".ipynb", "markdown": ".md", "text": ".txt"}
_MOST: Final = 20
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Hold one document as it was sent."""

    name: str
    kind: str
    text: str

    @classmethod
    def from_json(cls, data: Any) -> tuple[Given, ...]:
        """Read the field `documents` of a request; raise `InvalidRequest`."""
        if data is None:
            return ()
        if not isinstance(data, list) or len(data) > _MOST:
            raise InvalidRequest(f"documents must be a list of at most {_MOST}.")
        return tuple(map(cls._one, data))

    @classmethod
    def _one(cls, data: Any) -> Given:
        fields = {"name", "kind", "text"}
        if not isinstance(data, Mapping) or set(data) != fields:
            raise InvalidRequest("Each of documents must be an object with name, kind and text.")
        name, kind, text = data["name"], data["kind"], data["text"]
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise InvalidRequest(
                f"The name of a document must have 1 to {_LONGEST_NAME} printable characters."
            )
        if not isinstance(kind, str) or kind not in KINDS:
            raise InvalidRequest(f"The kind of a document must be one of {', '.join(KINDS)}.")
        if not isinstance(text, str) or not text.strip():
            raise InvalidRequest(f"The text of the document {name!r} is empty.")
        return cls(name=name, kind=kind, text=text)

    def described(self) -> dict[str, str]:
        """Give what stands in the session's options: the name, and the hash that tells a change."""
        return {"name": self.name, "hash": f"sha256:{hashlib.sha256(self._bytes()).hexdigest()}"}

    def write(self, path: Path) -> None:
        """Write the text to a file of one's own."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._bytes())

    def _bytes(self) -> bytes:
        return self.text.encode("utf-8", "replace")


class GivenDocuments:
    """Write the documents of a session, and name them as files of its library."""

    def __init__(self, folder: Path) -> None:
        """Take the session's own folder."""
        self.folder = Path(os.path.realpath(folder)) / "documents"

    def keep(self, documents: Sequence[Given]) -> None:
        """Write them, the list of their names last."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {f"{number}{KINDS[one.kind]}": one.name for number, one in enumerate(documents)}
        for file, one in zip(names, documents, strict=True):
            one.write(self.folder / file)
        Given(name="names", kind="text", text=json.dumps(names)).write(self.folder / "names.json")

    def files(self) -> Iterator[FileRef]:
        """Give the files under the names that people know them by."""
        try:
            names = json.loads((self.folder / "names.json").read_bytes())
        except FileNotFoundError:
            return
        for file, name in names.items():
            yield FileRef(path=self.folder / file, name=name)
