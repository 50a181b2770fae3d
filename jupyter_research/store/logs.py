"""Keep the logs of sessions in memory, each once: those that somebody uses, and the ones used last."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import Final

from .log import SessionLog

#: How many logs that nobody uses just now stay in memory.
KEPT_LOGS: Final = 64


class Logs:
    """Give everybody who asks for a session the same log. Thread-safe.

    Args:
        highest: the number of the newest session in the file.
    """

    def __init__(self, highest: int) -> None:
        self._lock = threading.Lock()
        self._all: weakref.WeakValueDictionary[str, SessionLog] = weakref.WeakValueDictionary()
        self._recent: OrderedDict[str, SessionLog] = OrderedDict()
        self._highest = highest

    @property
    def waiting(self) -> int:
        """Count the updates that wait to be committed."""
        with self._lock:
            return sum(log.waiting for log in self._all.values())

    @property
    def held(self) -> int:
        """Count the threads that wait because their session has filled its share of the queue."""
        with self._lock:
            return sum(log.held for log in self._all.values())

    def number(self) -> int:
        """Give out the number of a new session."""
        with self._lock:
            self._highest += 1
            return self._highest

    def find(self, session_id: str) -> SessionLog | None:
        """Give a log that is in memory, also one of a session that is just being deleted."""
        with self._lock:
            log = self._all.get(session_id)
            if log is not None:
                self._keep(log)
            return log

    def add(self, session_id: str, number: int, last: int = 0) -> SessionLog:
        """Begin a log, unless another thread has done so: then give that one."""
        with self._lock:
            log = self._all.get(session_id)
            if log is None:
                log = self._all[session_id] = SessionLog(session_id, number, last)
            self._keep(log)
            return log

    def forget(self, log: SessionLog) -> None:
        """Let go of the log of a session that is gone."""
        with self._lock:
            self._all.pop(log.session_id, None)
            self._recent.pop(log.session_id, None)

    def _keep(self, log: SessionLog) -> None:
        """Keep a log that was just used, and let go of the one unused for longest."""
        self._recent[log.session_id] = log
        self._recent.move_to_end(log.session_id)
        if len(self._recent) > KEPT_LOGS:
            self._recent.popitem(last=False)
