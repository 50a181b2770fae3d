"""Make status updates of what a session's code prints and logs, where an administrator asks for it."""

from __future__ import annotations

import logging
import sys
import threading
import weakref
from typing import Any, TextIO

from .context import Binding, current, send_status_update

#: Longer lines are cut: they are for people, and a progress bar has no line end at all.
MAX_LINE = 2000


class PrintedLines:
    """Stand in for `sys.stdout`: whole lines of a session's code are sent as updates, all is written on."""

    def __init__(self, original: TextIO) -> None:
        self.original = original
        self._lock = threading.Lock()
        self._begun: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    def write(self, text: str) -> int:
        """Write the text on, and send the lines that it completes."""
        written = self.original.write(text)
        binding = current()
        if binding is not None and binding.sink is not None and binding.alive:
            for line in self._lines(binding, text):
                send_status_update(line, {"step": "PRINT"})
        return written

    def _lines(self, binding: Binding, text: str) -> list[str]:
        with self._lock:
            *lines, rest = (self._begun.get(binding.sink, "") + text).replace("\r", "\n").split("\n")
            self._begun[binding.sink] = rest[:MAX_LINE]
        return [line[:MAX_LINE] for line in lines if line.strip()]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class LoggedRecords(logging.Handler):
    """Send the records of a session's code as updates."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Send a record without the handler's lock.

        An update of a paused session waits until that goes on: everybody else who logs would wait with it,
        the server's loop too.
        """
        passed = self.filter(record)
        if passed:
            # A filter may give another record in its place.
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; what this package itself logs would go round in a circle."""
        if record.name.partition(".")[0] == "jupyter_research":
            return
        try:
            message = record.getMessage()
        except Exception:
            self.handleError(record)
            return
        detail = {"step": "LOG", "level": record.levelname, "logger": record.name}
        send_status_update(message[:MAX_LINE], detail)


class Capture:
    """Put both in with `install`, take them back with `remove`."""

    def __init__(self) -> None:
        self._handler = LoggedRecords(level=logging.INFO)
        self._lines: PrintedLines | None = None

    def install(self) -> None:
        """Begin to capture."""
        logging.getLogger().addHandler(self._handler)
        self._lines = PrintedLines(sys.stdout)
        sys.stdout = self._lines

    def remove(self) -> None:
        """Capture no more."""
        logging.getLogger().removeHandler(self._handler)
        if sys.stdout is self._lines and self._lines is not None:
            sys.stdout = self._lines.original
