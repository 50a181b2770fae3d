"""State what a researcher is given and what it gives back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Halted, SessionCancelled

if TYPE_CHECKING:
    # A third of what the extension's import would take, for servers on which nobody does research.
    from .report import Report

#: Whom everybody is who holds the token or the password of a plain server.
LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Say on whose behalf something is asked."""

    owner: str
    #: A guest of somebody else's server: may read configured libraries only.
    guest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Say where a session may read, and from where relative paths start."""

    #: The folder beneath which paths may be read; None where every path may be (CLI, in-kernel).
    root: Path | None
    #: Relative paths start here: the notebook's folder, else the root or the current folder.
    folder: Path
    #: Configured libraries by name; may lie outside the root.
    libraries: Mapping[str, Path] = field(default_factory=dict)
    guest: bool = False
    #: Whose session it is.
    owner: str = ""
    #: The notebook's file, where there is one.
    notebook: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Carry what a person decided about a proposal: approved as it stands here, or to be changed."""

    #: The approved proposal; None when a change is asked for.
    proposal: Any = None
    #: The wish in words; None when approved.
    feedback: str | None = None


class Control:
    """Let the manager ask an attempt to stop, and the attempt say how.

    Thread-safe. A callback added after the request is called at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._at_cancel: list[Callable[[], None]] = []
        self.drain_requested = threading.Event()
        self.cancelled = threading.Event()
        #: Set with either, for those who wait.
        self.stopped = threading.Event()

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when a drain or a cancel is asked for."""
        with self._lock:
            if not self.stopping:
                self._callbacks.append(callback)
                return
        callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when a cancel is asked for, also after a drain."""
        with self._lock:
            if not self.cancelled.is_set():
                self._at_cancel.append(callback)
                return
        callback()

    @property
    def stopping(self) -> bool:
        """Tell whether a drain or a cancel was asked for."""
        return self.stopped.is_set()

    def stop_here(self) -> None:
        """End what may be done again, where the attempt was asked to stop.

        Raises:
            SessionCancelled: after a cancel.
            Halted: after a drain.
        """
        if self.cancelled.is_set():
            raise SessionCancelled("The session was cancelled.")
        if self.stopped.is_set():
            raise Halted("The session was asked to stop.")

    def request_drain(self) -> None:
        """Ask the attempt to end at its next step, keeping what is done."""
        self._stop(self.drain_requested)

    def cancel(self) -> None:
        """Ask the attempt to end now."""
        self._stop(self.cancelled)

    def _stop(self, flag: threading.Event) -> None:
        with self._lock:
            flag.set()
            self.stopped.set()
            callbacks, self._callbacks = self._callbacks, []
            if flag is self.cancelled:
                callbacks, self._at_cancel = [*callbacks, *self._at_cancel], []
        for callback in callbacks:
            callback()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Describe one attempt to its researcher."""

    session_id: str
    attempt: int
    topic: str
    options: Mapping[str, Any]
    owner: str
    place: Place
    #: The session's own folder: checkpoints, ledger, stored texts. Exists.
    folder: Path
    control: Control
    #: What was decided about the latest proposal; None on a first start and on a plain resume.
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """The researcher waits for a decision about this proposal; its thread is free."""

    question: str
    proposal: Any
    #: More about it for the log: what a model will probably take, and where texts go.
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The researcher is done."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """The researcher stopped at a step because it was asked to; a resume goes on from there."""


Outcome = Proposed | Finished | Drained
