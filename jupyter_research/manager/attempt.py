"""Be the sink of one attempt: let its updates in, hold it at a pause, stop it at a cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from ..context import Binding
from ..errors import SessionCancelled
from ..guard import Restraint
from ..store import SessionLog, Store
from ..work import Control

#: Asks for an approval and waits for it: (attempt, question, proposal) -> approved proposal.
Approve = Callable[["Attempt", str, Any], Any]

#: The least and the most that updates leave of a session's cap of events for its changes of state: its end,
#: and those that the writer has not written yet, which nobody counts.
_FOR_ITS_STATES: Final = (3, 10)


class Attempt:
    """Hold what one stretch of work may still do. Thread-safe."""

    def __init__(
        self,
        number: int,
        gate: int,
        store: Store,
        log: SessionLog,
        *,
        max_events: int,
        approve: Approve,
        restraint: Restraint | None = None,
    ) -> None:
        self.number = number
        #: Opens the log for this attempt's updates alone; unlike `number` never used twice.
        self.gate = gate
        self.control = Control()
        #: What its code may connect to, where it is local only.
        self.restraint = restraint
        #: What stood between the session and the network beside that.
        self.means = ""
        self.binding = Binding(session_id=log.session_id, attempt=number, sink=self, restraint=restraint)
        #: Approvals asked for so far in this attempt.
        self.approvals = 0
        self.asking = threading.Lock()
        self._store = store
        self._log = log
        least, most = _FOR_ITS_STATES
        log.cap = max_events - min(most, max(least, max_events // 10))
        self._approve = approve
        self._closed = False
        #: Neither held nor cancelled: one look for each update, where two events would be two calls.
        self._free = True
        self._go = threading.Event()
        self._go.set()

    @property
    def closed(self) -> bool:
        """Tell whether the attempt is over: its updates are dropped and counted."""
        return self._closed

    def close(self) -> None:
        """End the attempt; held code goes on, into the void."""
        self._closed = True
        self._go.set()

    def cancel(self) -> None:
        """End the attempt and raise `SessionCancelled` at its next update."""
        self.control.cancel()
        self._free = False
        self.close()

    def hold(self) -> None:
        """Hold the code at its next update."""
        self._free = False
        self._go.clear()

    def let_go(self) -> None:
        """Let held code go on."""
        self._free = not self.control.cancelled.is_set()
        self._go.set()

    def wait(self) -> None:
        """Wait while the attempt is held; a loop's thread never does.

        Raises:
            SessionCancelled: when it was cancelled meanwhile.
        """
        if not self._go.is_set() and self._store.may_wait():
            self._go.wait()
        if self.control.cancelled.is_set():
            raise SessionCancelled("The session was cancelled.")

    def status(self, message: Any, status: Any) -> None:
        """Record an update; see `context.Sink`."""
        if not self._free:
            self.wait()
        if not self._store.update(self._log, self.gate, message, status):
            self.wait()  # Closed between the look above and the log: cancelled, perhaps.

    def checkpoint(self) -> None:
        """Give way; see `context.Sink`."""
        self.wait()

    def approval(self, question: str, proposal: Any) -> Any:
        """Ask a person; see `context.Sink`."""
        self.wait()
        return self._approve(self, question, proposal)
