"""Measure what the installed carriers cost a caller outside any session."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jupyter_research import carry


class Thing:
    """Stand for a thread or a pool."""


def measure() -> dict[str, float]:
    """Give microseconds by call: what the wrapper adds to a function that does nothing.

    The real calls take 10 to 100 µs and vary by more than what is sought, so the difference is taken on
    an empty function, which has the same wrapper round it.
    """
    thing = Thing()

    def nothing(self: Any, *args: Any, **kwargs: Any) -> None:
        return None

    start, bootstrap = carry._start(nothing), carry._bootstrap(nothing)
    submit = carry._submit(nothing)
    return {
        "ThreadPoolExecutor.submit": _least(lambda: submit(thing, nothing, 1))
        - _least(lambda: nothing(thing, nothing, 1)),
        "Thread.start": _least(lambda: start(thing))
        + _least(lambda: bootstrap(thing))
        - 2 * _least(lambda: nothing(thing)),
    }


def _least(call: Callable[[], Any], times: int = 2000, rounds: int = 100) -> float:
    """Give the least that a call took in processor time: others on the machine do not count."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.thread_time()
        for _ in range(times):
            call()
        best = min(best, time.thread_time() - begin)
    return best / times * 1e6
