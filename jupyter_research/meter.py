"""Add up how long steps and calls take and what they use, of everybody together: for an operator to watch."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Literal, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

What = Literal["step", "model", "search", "online", "fetch"]


class Time(NamedTuple):
    """Hold how often something was done and how long that took in all."""

    number: int = 0
    seconds: float = 0.0

    def plus(self, other: Time) -> Time:
        """Give both together."""
        return Time(self.number + other.number, self.seconds + other.seconds)


class Meter:
    """Add up over all sessions. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: defaultdict[tuple[What, str], Time] = defaultdict(Time)
        self._tokens: defaultdict[str, float] = defaultdict(float)

    def took(self, what: What, seconds: float, name: str = "") -> None:
        """Count something done; `name` is one of few, never a person's word."""
        with self._lock:
            self._times[what, name] = self._times[what, name].plus(Time(1, seconds))

    def used(self, usage: Mapping[str, float]) -> None:
        """Count the tokens of a model's answer: `input_tokens`, `output_tokens`."""
        with self._lock:
            for direction in ("input", "output"):
                self._tokens[direction] += usage.get(f"{direction}_tokens", 0)

    def timed(self, step: str, perform: Callable[P, T]) -> Callable[P, T]:
        """Give `perform` as one that counts each run that comes to its end as a step."""

        @wraps(perform)
        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            begun = time.monotonic()
            result = perform(*args, **kwargs)
            self.took("step", time.monotonic() - begun, step)
            return result

        return timed

    def times(self) -> dict[tuple[What, str], Time]:
        """Give what was done, by kind and name."""
        with self._lock:
            return dict(self._times)

    def tokens(self) -> dict[str, float]:
        """Give the tokens of all answers, by direction."""
        with self._lock:
            return dict(self._tokens)
