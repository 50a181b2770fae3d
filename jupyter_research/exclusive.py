"""Let one thread at a time work at a thing: at one call, at one address."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class _Place:
    """Hold the lock of a key, and how many have it or wait for it."""

    __slots__ = ("lock", "threads")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.threads = 0


class Exclusive:
    """Keep threads with the same key apart, and let others pass; a key that nobody wants is forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[Hashable, _Place] = {}

    @contextmanager
    def at(self, key: Hashable) -> Iterator[None]:
        """Wait until nobody else is at this key, and be there until the block ends."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            # Counted before it waits: a place that is taken away while somebody is on the way to its lock
            # would be made anew by the next, and the two would work side by side.
            place.threads += 1
        try:
            with place.lock:
                yield
        finally:
            with self._lock:
                place.threads -= 1
                if not place.threads:
                    del self._places[key]

    def wanted(self, key: Hashable) -> int:
        """Count the threads that are at a key or wait for it."""
        with self._lock:
            place = self._places.get(key)
            return place.threads if place else 0
