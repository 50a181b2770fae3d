"""Hold one child process that parses files, and end it when a file takes too much."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..guard import end_child, start_child
from .child import receive, send

#: Address space of one child; images of a page are never drawn, so text seldom needs a fifth of it.
MEMORY: Final = 1024**3
#: Seconds for one file.
SECONDS: Final = 60


class Worker:
    """Run one child at a time; a new one when the last has died."""

    def __init__(self, *, memory: int = MEMORY, seconds: int = SECONDS) -> None:
        self._memory = memory
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._killed_for: str | None = None
        #: When the file in hand has had its time, by the monotonic clock; None between files.
        self.deadline: float | None = None

    def parse(self, path: Path, kind: str, wanted: Callable[[str], bool]) -> dict[str, Any]:
        """Parse one file: `{"hash", "stamp"}` with text and spans, or with `failure`, `own` or `known`.

        `wanted` is asked with the hash before the work is done. A child that dies leaves a failure.
        """
        answer: dict[str, Any] = {}
        self.deadline = time.monotonic() + self._seconds
        try:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            send(process.stdin, {"path": str(path), "kind": kind})
            answer = receive(process.stdout)
            if "hash" in answer:
                go_on = wanted(answer["hash"])
                send(process.stdin, go_on)
                answer |= receive(process.stdout) if go_on else {"known": True}
            if answer.pop("last", False):
                self._let_go()
        except (EOFError, OSError, ValueError):
            answer["failure"] = self._death()
        finally:
            self.deadline = None
        return answer

    def kill(self, reason: str) -> None:
        """End the child from another thread; `reason` becomes the failure of its file."""
        with self._lock:
            self._killed_for = reason
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the child for good."""
        with self._lock:
            self._closed = True
        self._let_go()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise EOFError
            self._killed_for = None
            if self._process is None or self._process.poll() is not None:
                self._process = start_child(
                    "jupyter_research.documents.child",
                    self._memory,
                    self._seconds + 10,
                    stderr=subprocess.DEVNULL,
                )
            return self._process

    def _let_go(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            end_child(process)

    def _death(self) -> str:
        self._let_go()
        with self._lock:
            return self._killed_for or "damaged: the parser crashed on it"
