"""Read what stands behind `%research`: options, then the topic as it was typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .errors import InvalidRequest
from .request import Request


@dataclass(slots=True, kw_only=True)
class Line:
    """Hold what was typed after `%research`."""

    topic: str = ""
    researcher: str = "analysts"
    options: dict[str, Any] = field(default_factory=dict)
    #: `--ask`, `--yes`, `--wait`, `--new`, `--in-kernel`, `--cells`, as the names of a request's fields.
    flags: dict[str, bool] = field(default_factory=dict)
    open: bool = False
    #: Keep the options for all sessions.
    save: bool = False
    #: Names of variables that hold DataFrames.
    data: list[str] = field(default_factory=list)

    def request(self, variables: Mapping[str, Any] = MappingProxyType({})) -> Request:
        """Give the request that was meant, with the DataFrames that `variables` hold."""
        missing = [name for name in self.data if name not in variables]
        if missing:
            raise InvalidRequest(f"There is no variable {missing[0]} here: --data takes a DataFrame's name.")
        return Request(
            topic=self.topic,
            researcher=self.researcher,
            options=self.options,
            data={name: variables[name] for name in self.data},
            **self.flags,
        )


def parse(line: str, cell: str | None = None) -> Line:
    """Read the options before the topic, and the topic as it was typed.

    Raises:
        InvalidRequest: for an unknown option or a value that it cannot take.
    """
    result = Line()
    rest = line.strip()
    while rest.startswith("--"):
        name, rest = _word(rest)
        if name == "--":
            break
        name, equals, value = name.partition("=")
        if name in _FLAGS:
            result.flags[_FLAGS[name]] = True
        elif name == "--local-only":
            result.options["local_only"] = True
        elif name == "--open":
            result.open = True
        elif name == "--save-defaults":
            result.save = True
        elif name in _VALUES:
            if not equals:
                value, rest = _word(rest)
            if not value:
                raise InvalidRequest(f"{name} needs a value: `%research?` shows how.")
            _VALUES[name](result, name, value)
        else:
            raise InvalidRequest(f"There is no option {name}: `%research?` lists them all.")
    # IPython's habit of ending a line in `;` is none of the topic.
    result.topic = rest.removesuffix(";").rstrip()
    if cell is not None:
        if result.topic:
            raise InvalidRequest("The topic of %%research stands below it: on its line only options.")
        result.topic = cell.strip()
        if not result.topic and not result.open and not result.save:
            raise InvalidRequest("The topic is empty: write it below %%research.")
    return result


def _word(text: str) -> tuple[str, str]:
    """Split off the first word; quotes hold together what has spaces."""
    text = text.lstrip()
    head, separator, _ = text.partition("=")
    start = len(head) + 1 if separator and " " not in head else 0
    quote = text[start : start + 1]
    if quote and quote in "\"'" and (end := text.find(quote, start + 1)) > 0:
        return text[:start] + text[start + 1 : end] if start else text[1:end], text[end + 1 :].lstrip()
    word, _, rest = text.partition(" ")
    return word, rest.lstrip()


def _whole(line: Line, name: str, value: str) -> None:
    if not value.isdecimal():
        raise InvalidRequest(f"{name} takes a whole number, not {value!r}.")
    line.options[name.removeprefix("--")] = int(value)


def _text(line: Line, name: str, value: str) -> None:
    line.options[name.removeprefix("--")] = value


def _source(line: Line, name: str, value: str) -> None:
    line.options.setdefault("sources", []).append(value)


def _data(line: Line, name: str, value: str) -> None:
    line.data.append(value)


def _researcher(line: Line, name: str, value: str) -> None:
    line.researcher = value


def _budget(line: Line, name: str, value: str) -> None:
    budget = line.options.setdefault("budget", {})
    for part in value.split(","):
        # A bare number is money.
        key, _, amount = part.rpartition("=")
        try:
            budget[key.strip() or "money"] = float(amount) if "." in amount else int(amount)
        except ValueError:
            raise InvalidRequest(
                f"{name} takes an amount of money or KEY=NUMBER, for example `--budget calls=50`."
            ) from None


def _set(line: Line, name: str, value: str) -> None:
    key, equals, text = value.partition("=")
    if not key or not equals:
        raise InvalidRequest(f"{name} takes NAME=VALUE, for example `--set steps=5`.")
    try:
        line.options[key] = json.loads(text)
    except ValueError:
        line.options[key] = text


_FLAGS = {
    "--ask": "ask",
    "--yes": "yes",
    "--wait": "wait",
    "--new": "new",
    "--in-kernel": "in_kernel",
    "--cells": "cells",
}

_VALUES: Mapping[str, Callable[[Line, str, str], None]] = {
    "--source": _source,
    "--data": _data,
    "--analysts": _whole,
    "--turns": _whole,
    "--model": _text,
    "--budget": _budget,
    "--researcher": _researcher,
    "--set": _set,
}
