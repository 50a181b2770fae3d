"""Do what has to be done now and then, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class Chores:
    """Call each chore at once and then every so many seconds, one after the other.

    Args:
        chores: what is to be done, and the seconds between two times.
    """

    def __init__(self, chores: Mapping[Callable[[], object], float]) -> None:
        self._due = dict.fromkeys(chores, 0.0)
        self._chores = dict(chores)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jupyter_research-chores", daemon=True)

    def add(self, chore: Callable[[], object], seconds: float) -> None:
        """Take in one more, before the start."""
        self._due[chore], self._chores[chore] = 0.0, seconds

    def start(self) -> None:
        """Begin, where there is anything to do."""
        if self._chores:
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """End after the chore under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopped.is_set():
            for chore, due in self._due.items():
                if due <= time.monotonic() and not self._stopped.is_set():
                    self._do(chore)
            self._stopped.wait(max(0.05, min(self._due.values()) - time.monotonic()))

    def _do(self, chore: Callable[[], object]) -> None:
        try:
            chore()
        except Exception:
            # The next time may go better, and other chores are not to suffer.
            log.exception("A chore failed.")
        self._due[chore] = time.monotonic() + self._chores[chore]
