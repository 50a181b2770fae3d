"""Read the options of a session of analysts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import InvalidRequest

#: Stands before the name of an online source that a folder has as well.
ONLINE_PREFIX: Final = "online:"
_BUDGET: Final = ("money", "tokens", "seconds", "calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Hold the options, defaults included."""

    analysts: int = 3
    turns: int = 2
    sources: tuple[str, ...] = ()
    #: Those of the sources that are no files; found out when the options are checked, whatever is said.
    online: tuple[str, ...] = ()
    #: None where nobody has chosen one yet.
    model: str | None = None
    local_only: bool = False
    budget: Mapping[str, float] = field(default_factory=dict)
    #: Name and hash of each document that came with the request.
    documents: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def stored(cls, data: Mapping[str, Any]) -> Options:
        """Read them as a session's log has them, with what was added at its start."""
        return cls.from_json({name: data[name] for name in cls.__dataclass_fields__ if name in data})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        """Read them from a request, each checked.

        Raises:
            InvalidRequest: with one sentence that names the option.
        """
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise InvalidRequest(
                f"There is no option {unknown[0]!r}: choose among {', '.join(cls.__dataclass_fields__)}."
            )
        return cls(
            analysts=_number(data, "analysts", 3, 1, 10),
            turns=_number(data, "turns", 2, 1, 5),
            sources=_sources(data.get("sources")),
            online=_sources(data.get("online")),
            model=_model(data.get("model")),
            local_only=_flag(data.get("local_only"), "local_only"),
            budget=_limits(data.get("budget")),
            documents=tuple(data.get("documents") or ()),
        )

    @property
    def files(self) -> tuple[str, ...]:
        """Give those of the sources that are files."""
        return tuple(name for name in self.sources if name.removeprefix(ONLINE_PREFIX) not in self.online)

    @property
    def reads(self) -> bool:
        """Tell whether there is a library: files that are named, given, or of the folder."""
        return bool(self.files or self.documents or not self.online)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object."""
        return {
            "analysts": self.analysts,
            "turns": self.turns,
            "sources": list(self.sources),
            **({"online": list(self.online)} if self.online else {}),
            "model": self.model,
            "local_only": self.local_only,
            "budget": dict(self.budget),
            **({"documents": [dict(one) for one in self.documents]} if self.documents else {}),
        }


def _number(data: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = data.get(name)
    if value is None:
        return default
    if type(value) is not int or not low <= value <= high:
        raise InvalidRequest(f"The option {name} must be a whole number from {low} to {high}.")
    return value


def _sources(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one.strip() for one in value):
        raise InvalidRequest("The option sources must be a list of names or paths.")
    if len(value) > 1000:
        raise InvalidRequest("The option sources takes at most 1000 names or paths: name a folder instead.")
    return tuple(value)


def _model(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequest("The option model must be the name of a model.")
    return value


def _flag(value: Any, name: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"The option {name} must be true or false.")
    return bool(value)


def _limits(value: Any) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"The option budget must be an object with some of {', '.join(_BUDGET)}.")
    for name, limit in value.items():
        if name not in _BUDGET:
            raise InvalidRequest(f"There is no budget for {name!r}: choose among {', '.join(_BUDGET)}.")
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < 2**53:
            raise InvalidRequest(f"The budget for {name} must be a number above 0.")
    return dict(value)
