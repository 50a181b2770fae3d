"""Know which session the running code works for.

A `ContextVar` holds a frozen binding. It follows tasks by itself; `carry.py` takes it
along into threads and pools while a runtime is open.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, Final, Protocol

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Take what a session's code says; one per attempt."""

    @property
    def closed(self) -> bool:
        """Tell whether the attempt has ended; its binding is dead from then on."""

    def status(self, message: Any, status: Any) -> None:
        """Record an update; raise `SessionCancelled` in a cancelled session."""

    def checkpoint(self) -> None:
        """Raise `SessionCancelled` in a cancelled session, wait in a paused one."""

    def approval(self, question: str, proposal: Any) -> Any:
        """Wait for a person's decision and return the proposal as approved."""


class Restraint(Protocol):
    """Say what a session may not do; see `guard`."""

    def check(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise where an audit event is of that."""

    def peer(self, connected: Any) -> None:
        """Raise where a socket leads to a place that the session may not send to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Tie code to one attempt of one session."""

    #: Empty where the code has left its session and is still restrained.
    session_id: str
    attempt: int = 0
    #: None where the id alone is bound, outside any runtime.
    sink: Sink | None = None
    #: What the code may not do, also when the attempt is over.
    restraint: Restraint | None = None

    @property
    def alive(self) -> bool:
        """Tell whether the attempt still goes on."""
        return self.sink is None or not self.sink.closed


_binding: ContextVar[Binding | None] = ContextVar("jupyter_research_binding", default=None)

#: Gives the binding of the running code, dead or alive. The look-up itself and no function round it: every
#: thread and every pool of the process pays for it.
current: Final[Callable[[], Binding | None]] = _binding.get

# Attempts under way in this process by session id, so that code which comes from nowhere (a callback of
# a foreign thread) can name its session. Ids are random, so two runtimes cannot meet here.
_attempts: dict[str, Binding] = {}


def set_session_context(session_id: str) -> None:
    """Bind the running code to a session: to its attempt under way, else to the id alone."""
    _binding.set(_attempts.get(session_id) or _alone(session_id))


def get_session_context() -> str | None:
    """Return the id of the session that the running code works for, or None."""
    binding = _binding.get()
    return (binding.session_id or None) if binding is not None and binding.alive else None


def clear_session_context() -> None:
    """Bind the running code to no session."""
    nobody = _alone("")
    _binding.set(nobody if nobody.restraint is not None else None)


def _alone(session_id: str) -> Binding:
    """Bind to an id alone: what the code may not do it may not do under another name either."""
    before = _binding.get()
    return Binding(session_id=session_id, restraint=None if before is None else before.restraint)


@contextmanager
def session_context(session_id: str) -> Iterator[None]:
    """Bind the code of the `with` block to a session, and restore what was bound before."""
    token = _binding.set(_attempts.get(session_id) or _alone(session_id))
    try:
        yield
    finally:
        restore(token)


def send_status_update(message: Any, status: Any = None) -> None:
    """Send an update to the session that the running code works for.

    Args:
        message: one line for people; wins over `status["message"]`.
        status: a dict. `step`, `step_number`, `done` and `total` become fields of the event,
            everything else its `detail`.

    Raises:
        SessionCancelled: in a cancelled session. Nothing else: outside a session the update does
            nothing, and what cannot be recorded as it is is recorded in a safe form.
    """
    binding = _binding.get()
    if binding is None or binding.sink is None:
        log.debug("An update outside a session was dropped.")
        return
    binding.sink.status(message, status)


def checkpoint() -> None:
    """Give way where a long computation may be paused or cancelled.

    Raises:
        SessionCancelled: in a cancelled session.
    """
    binding = _binding.get()
    if binding is not None and binding.sink is not None:
        binding.sink.checkpoint()


def request_approval(question: str, proposal: Any) -> Any:
    """Ask the person whose session this is, and return the proposal as they approved it.

    Waits as long as it takes. Outside a session nobody can be asked: the proposal comes back as it is.

    Args:
        question: what is to be decided, in one sentence.
        proposal: JSON-able; the person may edit it.

    Raises:
        SessionCancelled: when the session is cancelled meanwhile.
    """
    binding = _binding.get()
    if binding is None or binding.sink is None:
        log.debug("Approval was asked for outside a session: the proposal stands.")
        return proposal
    return binding.sink.approval(question, proposal)


@contextmanager
def attempt_context(binding: Binding) -> Iterator[None]:
    """Bind the code of the `with` block to an attempt, and let others find it by its session's id."""
    _attempts[binding.session_id] = binding
    token = _binding.set(binding)
    try:
        yield
    finally:
        restore(token)
        if _attempts.get(binding.session_id) is binding:
            del _attempts[binding.session_id]


@contextmanager
def bound(binding: Binding | None) -> Iterator[None]:
    """Run the code of the `with` block under exactly this binding, None included."""
    token = _binding.set(binding)
    try:
        yield
    finally:
        restore(token)


def restore(token: Token[Binding | None]) -> None:
    """Undo one `set`, also where a generator was closed from another context."""
    try:
        _binding.reset(token)
    except ValueError:
        _binding.set(None)


def _forget() -> None:
    """Drop what a forked child inherited: its sink writes to a queue that nobody reads there."""
    _binding.set(None)
    _attempts.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
