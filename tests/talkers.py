"""Be researchers that say much, say odd things, or print."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import logging
import time
from pathlib import Path
from typing import Any

from jupyter_research import send_status_update

NAMES = ("floods", "endless", "odd", "prints", "on_the_loop")

#: For `ResearchApp.researchers` where this folder can be imported from.
RESEARCHERS = {name: f"talkers:{name}" for name in NAMES}


def floods(topic: str, *, until: str, updates: int, size: int = 10) -> str:
    """Wait for the file `until`, then say much as fast as possible."""
    send_status_update("Ready.", {"step": "READY"})
    while not Path(until).exists():
        time.sleep(0.01)
    for number in range(1, updates + 1):
        send_status_update("m" * size, {"step": "FLOOD", "step_number": number})
    return "All is said."


def endless(topic: str) -> str:
    """Count, now as fast as possible, now and then."""
    for number in itertools.count(1):
        send_status_update(f"Number {number}.", {"step": "COUNT", "step_number": number, "topic": topic})
        if number % 500 == 0:
            time.sleep(0.01)
    raise AssertionError


class Hostile:
    """Raise whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __iter__ = __len__ = keys = __str__


@dataclasses.dataclass
class Fact:
    value: Any


#: What no JSON can hold as it is.
ODD: dict[str, Any] = {
    "no dict": "just a text",
    "a list": [1, 2],
    "a number": 42,
    "an object": {"value": object()},
    "hostile": {"value": Hostile()},
    "all hostile": Hostile(),
    "a class": Fact,
    "a set": {"value": {1, 2}},
    "bytes": {"value": b"\xff\x00"},
    "a surrogate": {"value": "\ud800"},
    "a surrogate key": {"\ud800": 1},
    "a surrogate step": {"step": "\ud800"},
    "a number as key": {1: 2},
    "too large a number": {"value": 2**70},
    "nan": {"value": float("nan")},
    "nan deep down": {"value": [{"value": Fact(float("inf"))}]},
    "nan as amount": {"done": float("nan"), "total": float("inf")},
    "5 MB": {"value": "x" * 5_000_000},
    "5 MB of surrogates": {"value": "\ud800" * 5_000_000},
}


def odd(topic: str) -> str:
    """Say everything in `ODD`, then end well."""
    circle: dict[str, Any] = {}
    circle["circle"] = circle
    for name, status in {**ODD, "a circle": circle}.items():
        send_status_update(name, status)
    send_status_update("m" * 5_000_000, {"step": "LONG"})
    return "Nothing was raised."


def prints(topic: str) -> str:
    """Print and log."""
    print("Printed: ", end="")
    print(topic)
    logging.getLogger("their.module").warning("Logged: %s", topic)
    return "Printed and logged."


#: The loop of the server that `on_the_loop` talks from; set by the test.
LOOPS: list[asyncio.AbstractEventLoop] = []


def on_the_loop(topic: str) -> str:
    """Tell from a coroutine on the server's own loop, without end."""

    async def tell() -> None:
        while True:
            send_status_update("From the loop.", {"step": "LOOP"})
            await asyncio.sleep(0.001)

    asyncio.run_coroutine_threadsafe(tell(), LOOPS[-1]).result()
    raise AssertionError
