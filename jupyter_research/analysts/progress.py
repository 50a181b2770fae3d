"""Say how far a session is, in whole and for each analyst."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ..context import send_status_update
from ..ledger import Ledger
from ..models import Analyst

STEPS: Final = (
    "READ_LIBRARY",
    "CREATE_ANALYSTS",
    "HUMAN_FEEDBACK",
    "INITIATE_ALL_INTERVIEWS",
    "GENERATE_QUESTION",
    "SEARCH_LIBRARY",
    "GENERATE_ANSWER",
    "ROUTE_MESSAGES",
    "SAVE_INTERVIEW",
    "WRITE_SECTION",
    "WRITE_REPORT",
    "WRITE_INTRODUCTION",
    "WRITE_CONCLUSION",
    "CHECK_CITATIONS",
    "FINALIZE_REPORT",
)
#: The steps of one question and answer, and those after the last answer.
_TURN: Final = ("ask", "search", "answer", "route")
_AFTER: Final = ("save", "write")
_BEFORE: Final = ("create_analysts",)
_ENDING: Final = (
    "write_report",
    "write_introduction",
    "write_conclusion",
    "check_citations",
    "finalize_report",
)
#: Seconds between two updates about files.
_PACE: Final = 0.1


def _number(step: str) -> int:
    """Give a step's number; a search has the same whatever is searched."""
    return STEPS.index("SEARCH_LIBRARY" if step.startswith("SEARCH_") else step) + 1


def counted(number: int, noun: str) -> str:
    """Say how many there are."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


class Progress:
    """Count finished steps and send updates, from any thread of the session and in order.

    The count is of the ledger's steps, so that a resumed session goes on where it was.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        analysts: int,
        turns: int,
        usage: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._ledger = ledger
        self._usage = usage
        self._turns = turns
        self._team: Sequence[str] = ()
        self._size = analysts
        self._files: tuple[int, int] | None = None
        self._finished = set(ledger.finished())
        self._sources = {hit["document"] for hits in ledger.answers("search") for hit in hits}
        self._failed: set[str] = set()
        self._lock = threading.Lock()
        self._spoke = 0.0

    def begin(self, files: int, where: str) -> None:
        """Say before anything is read how much it is, so that a person can stop what was not meant."""
        with self._lock:
            self._files = (0, files)
            self._send(f"{counted(files, 'file')} to read in {where}", "READ_LIBRARY", {})

    def reading(self, done: int, total: int, name: str) -> None:
        """Say how many files are read; not more often than a person can follow."""
        now = time.monotonic()
        with self._lock:
            self._files = (done, total)
            if done < total and now - self._spoke < _PACE:
                return
            self._spoke = now
            self._send(f"Reading {done} of {total} files", "READ_LIBRARY", {})

    def found(self, files: int) -> None:
        """Take the number of files as read."""
        with self._lock:
            self._files = (files, files)

    def searched(self, documents: Iterable[str]) -> None:
        """Take the documents that a search has found; each counts once, whoever finds it again."""
        with self._lock:
            self._sources.update(documents)

    def team(self, analysts: Sequence[Analyst]) -> None:
        """Take the approved team."""
        with self._lock:
            self._team = [analyst["id"] for analyst in analysts]
            self._size = len(analysts)

    def say(self, message: str, step: str, *, analyst: str | None = None, **detail: Any) -> None:
        """Send an update about a step that begins."""
        with self._lock:
            self._send(message, step, detail, analyst)

    def finish(self, path: str) -> None:
        """Count a step as done."""
        self._ledger.finish(path)
        with self._lock:
            self._finished.add(path)

    def fail(self, analyst: str, message: str, step: str, cause: str) -> None:
        """Say that an analyst has failed; what was left to it counts as done."""
        with self._lock:
            self._failed.add(analyst)
            self._send(message, step, {"failed": cause}, analyst)

    def _send(self, message: str, step: str, detail: dict[str, Any], analyst: str | None = None) -> None:
        # Under the lock: an update that overtakes an earlier one would make the bar go back.
        status: dict[str, Any] = {"step": step, "step_number": _number(step), **detail}
        found = {"sources": len(self._sources)} if self._sources else {}
        if used := {**found, **self._usage()}:
            status["usage"] = used
        if self._files is not None:
            status["done"], status["total"] = self._done(), self._total()
        if analyst is not None:
            status["analyst"] = analyst
            status["analyst_done"], status["analyst_total"] = self._done_of(analyst), self._total_of()
        send_status_update(message, status)

    def _total_of(self) -> int:
        return len(_TURN) * self._turns + len(_AFTER)

    def _done_of(self, analyst: str) -> int:
        if analyst in self._failed:
            return self._total_of()
        asked = sum(
            f"{analyst}/turn-{turn}/{step}" in self._finished
            for turn in range(1, self._turns + 1)
            for step in _TURN
        )
        if f"{analyst}/save" in self._finished:
            # An interview that ended early has no more turns to come.
            asked = len(_TURN) * self._turns
        return asked + sum(f"{analyst}/{step}" in self._finished for step in _AFTER)

    def _total(self) -> int:
        files = self._files[1] if self._files else 0
        return files + len(_BEFORE) + self._size * self._total_of() + len(_ENDING)

    def _done(self) -> int:
        files = self._files[0] if self._files else 0
        single = sum(step in self._finished for step in (*_BEFORE, *_ENDING))
        return files + single + sum(self._done_of(analyst) for analyst in self._team)
