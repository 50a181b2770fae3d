"""Find the key of a provider: by the administrator's function, in a private file, in the environment."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ..errors import InvalidRequest

#: The variables of providers that call theirs otherwise than `<PROVIDER>_API_KEY`.
_VARIABLES: Final = {
    "google_genai": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "mistralai": ("MISTRAL_API_KEY",),
}
_CALLED: Final = {"google": "google_genai", "gemini": "google_genai", "mistral": "mistralai"}

#: Gives a key by the provider's name and the owner of the session.
Ask = Callable[[str, str], "str | None"]


class Keys:
    """Look keys up, anew each time: one that is set needs no restart."""

    def __init__(self, file: Path | None, environment: Mapping[str, str], ask: Ask | None = None) -> None:
        self._file = file
        self._environment = environment
        self._ask = ask

    def find(self, name: str, owner: str, *, guest: bool = False) -> tuple[str, str] | None:
        """Give a key and where it comes from; None where there is none.

        Args:
            name: the provider, or the name that a configured model gives its key.
            owner: whose session it is.
            guest: the owner is a guest of somebody else's server, whose file and variables hold its host's.
        """
        asked = self._ask(name, owner) if self._ask is not None else None
        if asked and asked.strip():
            return asked.strip(), "the server's own function"
        if guest:
            return None
        # As `set` has called it: a configuration may name its key `google` or `House`.
        stored = self._stored().get(known(name))
        if stored:
            return stored, "`jupyter research keys`"
        for variable in variables(name):
            # The line end of a file that it was read from is no part of it, and no header takes one.
            if found := self._environment.get(variable, "").strip():
                return found, f"the variable {variable}"
        return None

    def names(self) -> list[str]:
        """List the names that have a key in the file."""
        return sorted(self._stored())

    def _stored(self) -> dict[str, str]:
        if self._file is None:
            return {}
        try:
            content = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InvalidRequest(
                f"The file of keys {self._file} cannot be read: set the keys again with "
                "`jupyter research keys set PROVIDER`."
            ) from error
        return {str(name): str(key) for name, key in content.items()} if isinstance(content, dict) else {}

    def set(self, name: str, key: str | None) -> None:
        """Store a key in the file, or remove it; nobody but the file's owner may read it."""
        if self._file is None:
            raise InvalidRequest("There is no file of keys here: set the provider's variable instead.")
        if key is not None and (len(key.split()) != 1 or not fits_header(key.strip())):
            raise InvalidRequest("That is no key: it is one word of ASCII signs, without spaces.")
        name = known(name)
        keys = self._stored() if self._readable() else {}
        if key is None:
            keys.pop(name, None)
        else:
            keys[name] = key.strip()
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(keys, file)
        os.replace(fresh, self._file)

    def _readable(self) -> bool:
        try:
            self._stored()
        except InvalidRequest:
            return False
        return True


def fits_header(key: str) -> bool:
    """Tell whether a key can be sent at all."""
    return key.isascii() and key.isprintable()


def known(name: str) -> str:
    """Give a provider's name as it is used here, however it was typed."""
    name = name.strip().lower()
    return _CALLED.get(name, name)


def variables(name: str) -> tuple[str, ...]:
    """Name the variables that may hold a key."""
    if name.isupper():
        return (name,)
    return _VARIABLES.get(name, (f"{name.upper()}_API_KEY",))
