"""Measure what the installed carriers cost a caller outside any session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from jupyter_research import carry


class Thing:
    """Stand for a thread or a pool."""


def measure() -> dict[str, float]:
    """Give microseconds by call: what the wrapper adds to a function that does nothing.

    The real calls take 10 to 100 µs and vary by more than what is sought, so the difference is taken on
    an empty function, which has the same wrapper round it.
    """
    added = {
        f"{owner.__name__}.{name}": _added(make, *_ARGUMENTS.get(owner, (_nothing, 1)))
        for owner, name, make in carry._REPLACEMENTS
        if owner is not threading  # `threading.excepthook`: called for a thread that has failed.
    }
    submit, callback = added.pop("ThreadPoolExecutor.submit"), added.pop("Future.add_done_callback")
    start = added.pop("Thread.start") + added.pop("Thread._bootstrap_inner")
    return {
        "ThreadPoolExecutor.submit": submit,
        "Future.add_done_callback": callback,
        "Thread.start": start,
        "the dearest of the others": max(added.values()),
    }


def _nothing(self: Any, *args: Any, **kwargs: Any) -> None:
    return None


#: What the calls that take no further arguments are given.
_ARGUMENTS: dict[Any, tuple[Any, ...]] = {threading.Thread: (), Future: (_nothing,)}


def _added(make: Callable[[Callable[..., Any]], Callable[..., Any]], *arguments: Any) -> float:
    wrapped, thing = make(_nothing), Thing()
    return _least(lambda: wrapped(thing, *arguments)) - _least(lambda: _nothing(thing, *arguments))


def _least(call: Callable[[], Any], times: int = 2000, rounds: int = 100) -> float:
    """Give the least that a call took in processor time: others on the machine do not count."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.thread_time()
        for _ in range(times):
            call()
        best = min(best, time.thread_time() - begin)
    return best / times * 1e6
