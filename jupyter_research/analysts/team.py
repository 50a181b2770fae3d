"""Read a proposed team as a person may have edited it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from ..errors import InvalidRequest
from ..models import Analyst

_FIELDS: Final = ("id", "name", "role", "affiliation", "description")
_MOST: Final = 10
#: Enough for a paragraph about an analyst, and little enough for a log entry of ten.
_LONGEST: Final = 2000


def check_team(proposal: Any) -> dict[str, list[Analyst]]:
    """Give the proposal as it will be used: each analyst with all its fields and an id of its own.

    Raises:
        InvalidRequest: with one sentence that says what is wrong.
    """
    if not isinstance(proposal, Mapping) or set(proposal) != {"analysts"}:
        raise InvalidRequest("A proposal is an object with the one field analysts.")
    given = proposal["analysts"]
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST:
        raise InvalidRequest(f"A team has 1 to {_MOST} analysts.")
    taken: set[str] = set()
    team = []
    for analyst in given:
        team.append(_analyst(analyst, taken))
        taken.add(team[-1]["id"])
    return {"analysts": team}


def _analyst(given: Any, taken: set[str]) -> Analyst:
    if not isinstance(given, Mapping):
        raise InvalidRequest(f"An analyst is an object with the fields {', '.join(_FIELDS)}.")
    unknown = sorted(str(name) for name in given if name not in _FIELDS)
    if unknown:
        raise InvalidRequest(f"An analyst has no field {unknown[0]!r}: its fields are {', '.join(_FIELDS)}.")
    texts = {name: given.get(name) for name in _FIELDS}
    for name, text in texts.items():
        if text is not None and (not isinstance(text, str) or len(text) > _LONGEST):
            raise InvalidRequest(f"The {name} of an analyst must be a text of at most {_LONGEST} characters.")
    name = " ".join((texts["name"] or "").split())
    if not name:
        raise InvalidRequest("Each analyst needs a name.")
    identity = texts["id"] or _fresh(taken)
    if identity in taken:
        raise InvalidRequest(f"Two analysts have the id {identity!r}: leave it out for a new one.")
    return {
        "id": identity,
        "name": name,
        "role": texts["role"] or "",
        "affiliation": texts["affiliation"] or "",
        "description": texts["description"] or "",
    }


def _fresh(taken: set[str]) -> str:
    while (identity := f"analyst-{secrets.token_hex(4)}") in taken:
        continue
    return identity
