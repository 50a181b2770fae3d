"""Keep what each person has chosen for all their sessions."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import InvalidRequest, StorageFailed

#: What can be kept.
NAMES: Final = ("model", "analysts", "turns", "budget")


class Defaults:
    """Store choices by owner in one file. Thread-safe."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()

    def of(self, owner: str) -> dict[str, Any]:
        """Give a person's choices."""
        known = self._read().get(owner)
        return dict(known) if isinstance(known, dict) else {}

    @staticmethod
    def checked(choices: Mapping[str, Any]) -> dict[str, Any]:
        """Give the choices where all of them can be kept.

        Raises:
            InvalidRequest: with the one that cannot.
        """
        unknown = sorted(set(choices) - set(NAMES))
        if unknown:
            raise InvalidRequest(f"{unknown[0]} cannot be a default: {', '.join(NAMES)} can.")
        return dict(choices)

    def keep(self, owner: str, choices: Mapping[str, Any]) -> dict[str, Any]:
        """Take choices in place of the earlier ones; an empty object forgets them.

        Raises:
            StorageFailed: when the file cannot be read, which holds other people's choices too.
        """
        kept = dict(choices)
        with self._lock:
            try:
                everybody = self._stored()
            except (OSError, ValueError) as error:
                raise StorageFailed(f"{self._file} cannot be read: mend or remove it first.") from error
            everybody.pop(owner, None)
            if kept:
                everybody[owner] = kept
            self._write(everybody)
        return kept

    def _read(self) -> dict[str, Any]:
        try:
            return self._stored()
        except (OSError, ValueError):
            # What cannot be read is no choice: sessions run without a model rather than not at all.
            return {}

    def _stored(self) -> dict[str, Any]:
        if self._file is None or not self._file.exists():
            return {}
        content = json.loads(self._file.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("The file holds no object.")
        return content

    def _write(self, everybody: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(everybody, file)
        os.replace(fresh, self._file)
