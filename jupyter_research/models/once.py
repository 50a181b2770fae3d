"""Work each thing out once, however many threads ask for it at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """Keep the newest values by what they were made of. Thread-safe: who comes second waits for the first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[K, Future[V]] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Give the value for a key, made when there is none; what `make` raises is not kept."""
        with self._lock:
            known = self._values.get(key)
            future = known or self._begun(key)
        if known is None:
            try:
                future.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._values.pop(key, None)
                future.set_exception(error)
        return future.result()

    def _begun(self, key: K) -> Future[V]:
        future = self._values[key] = Future()
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return future
