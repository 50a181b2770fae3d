"""Carry transitions out: an event, a slot, a thread, all under one lock."""

from __future__ import annotations

import contextvars
import itertools
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from ..errors import LimitReached, ResearcherFailed, ResearchError
from ..events import Kind, State
from ..guard import Restraint
from ..report import Report
from ..store import Store
from .attempt import Attempt
from .job import Job
from .slots import Slots

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hold the numbers beyond which a session waits or is refused."""

    max_working_sessions: int = 8
    max_working_per_owner: int = 0
    max_queued_sessions: int = 1000
    max_events: int = 100_000
    #: Seconds that one session may work in all; 0 for no limit. So for all that follow.
    max_session_seconds: int = 0
    #: Bytes that all sessions of one owner may take.
    max_bytes_per_owner: int = 0
    #: Days after which a session that waits for nobody is removed.
    keep_days: int = 0
    #: How many sessions of one owner are kept.
    keep_sessions: int = 0
    #: Whether every session is local only, and what one that is may connect to.
    local_only: bool = False
    local_addresses: tuple[str, ...] = ()
    #: Whether the session follows its work into threads and pools.
    carries: bool = True


class Crew(Protocol):
    """Do the work that transitions begin."""

    def perform(self, job: Job, attempt: Attempt) -> None:
        """Work until the researcher has ended, waits, or was stopped. In the session's thread."""

    def ask(self, job: Job, attempt: Attempt, question: str, proposal: Any) -> Any:
        """Wait for a person's decision and return the proposal as approved."""


class Transitions:
    """Move jobs between states.

    Every method is called with `lock` held. Transitions are few, so one lock serves all of them; nothing
    waits for a disk or a thread under it: what `append` gives is awaited outside.
    """

    crew: Crew

    def __init__(self, store: Store, limits: Limits) -> None:
        self.lock = threading.RLock()
        self.limits = limits
        self.slots = Slots(limits.max_working_sessions, limits.max_working_per_owner)
        #: The jobs that may still move, by session id.
        self.jobs: dict[str, Job] = {}
        self.closing = False
        #: How many stretches of work are over.
        self.ended = 0
        self._store = store
        self._left_behind: set[threading.Thread] = set()
        self._leaving: list[tuple[Job, Future[bytes]]] = []
        self._gates = itertools.count(1)

    @property
    def abandoned_threads(self) -> int:
        """Count the threads that still run though their session has ended."""
        self._forget_the_dead()
        return len(self._left_behind)

    def _forget_the_dead(self) -> None:
        self._left_behind = {thread for thread in self._left_behind if thread.is_alive()}

    def leave(self, job: Job, future: Future[bytes]) -> None:
        """Let go of a finished job once its end is committed: until then its log tells an older state."""
        self._leaving.append((job, future))

    def prune(self) -> None:
        """Let go of the jobs whose end is committed."""
        for job, future in self._leaving:
            session_id = job.log.session_id
            if future.done() and self.jobs.get(session_id) is job and job.state.finished:
                del self.jobs[session_id]
        self._leaving = [(job, future) for job, future in self._leaving if not future.done()]

    def append(
        self,
        job: Job,
        kind: Kind,
        state: State,
        detail: Mapping[str, Any],
        *,
        message: str | None = None,
        gate: int | None = None,
        report: bytes | None = None,
    ) -> Future[bytes]:
        """Append the event that leads to `state`, and tell the log which session, never what about."""
        self.prune()
        job.enter(state)
        about = {"session_id": job.log.session_id, "state": state.value, "kind": kind.value}
        about |= {name: detail[name] for name in ("attempt", "code") if name in detail}
        log.info("Session %s is %s.", job.log.session_id, state.value, extra=about)
        return self._store.append(job.log, kind, state, detail, message=message, gate=gate, report=report)

    def close_attempt(
        self,
        job: Job,
        kind: Kind,
        state: State,
        detail: Mapping[str, Any],
        *,
        message: str | None = None,
        report: bytes | None = None,
    ) -> Future[bytes]:
        """Append the event that ends an attempt: no update of it can follow."""
        working, queued = job.state.working, job.state is State.QUEUED
        future = self.append(job, kind, state, detail, message=message, gate=0, report=report)
        if job.running is not None:
            job.running.close()
        if working:
            self.release(job)
        elif queued:
            self.slots.withdraw(job)
        return future

    def go_on(self, job: Job, kind: Kind, state: State, detail: Mapping[str, Any]) -> Future[bytes]:
        """Append the event that leads back to work, at once or through the queue."""
        granted = self.slots.request(job)
        future = self.append(job, kind, state if granted else State.QUEUED, detail)
        return self.begin(job) if granted else future

    def begin(self, job: Job) -> Future[bytes]:
        """Start or continue the work of a job that has just got a slot."""
        attempt = job.running
        held = attempt is not None and not attempt.closed
        if not held:
            attempt = job.running = Attempt(
                job.attempt,
                next(self._gates),
                self._store,
                job.log,
                max_events=self.limits.max_events,
                approve=lambda attempt, question, proposal: self.crew.ask(job, attempt, question, proposal),
                restraint=Restraint(self.limits.local_addresses) if self.is_local(job) else None,
            )
        assert attempt is not None
        detail: dict[str, Any] = {"attempt": job.attempt}
        if not held and job.approved and not job.plans:
            detail["from_start"] = True  # A function runs anew; what was approved is answered from the log.
        future = self.append(job, Kind.WORK_STARTED, job.phase, detail, gate=attempt.gate)
        if held:
            attempt.let_go()
            job.decided.set()
        else:
            job.thread = self._thread(job, attempt)
            job.thread.start()
        return future

    def is_local(self, job: Job) -> bool:
        """Tell whether a session may connect to nothing but addresses that are listed as local."""
        return self.limits.local_only or bool(job.record.options.get("local_only"))

    def _thread(self, job: Job, attempt: Attempt) -> threading.Thread:
        before, context = job.thread, contextvars.Context()

        def work() -> None:
            if before is not None:
                before.join()  # Steps that a pause left under way: their results are wanted.
            self.crew.perform(job, attempt)

        return threading.Thread(
            # Never a copy of the caller's context: it would pin a request, or another session.
            target=lambda: context.run(work),
            name=f"jupyter_research-{job.log.session_id[:8]}-{attempt.number}",
            daemon=True,
        )

    def refuse_when_closing(self) -> None:
        """Begin nothing in a server that is about to end."""
        if self.closing:
            raise LimitReached("The server is shutting down: start the session again when it is back.")

    def release(self, job: Job) -> None:
        """Give a slot back and begin what waited for one."""
        self.slots.release(job)
        if not self.closing:
            for granted in self.slots.grant():
                self.begin(granted)

    def cancel(self, job: Job) -> Future[bytes]:
        """End a session now; its thread is left behind."""
        detail = {"report_available": False, "limitations": ["The session was cancelled."]}
        return self._end(job, Kind.RESEARCH_CANCELLED, State.CANCELLED, detail)

    def run_out(self, job: Job, sentence: str, report: Report | None) -> None:
        """Complete a session at a cap, with the report of what it has found if there is one."""
        limitations = [sentence, *(report.limitations if report else ())]
        body = None
        if report is not None:
            body = orjson.dumps(replace(report, limitations=tuple(limitations)).to_json())
        detail = {"report_available": report is not None, "limitations": limitations}
        self._end(job, Kind.RESEARCH_COMPLETED, State.COMPLETED, detail, report=body)

    def fail(self, job: Job, error: BaseException) -> None:
        """End a session with the error of its researcher."""
        if isinstance(error, ResearchError):
            code, cause = error.code, str(error)
        else:
            # What an exception says may be about the topic: it is for those who look for it only.
            log.debug("The researcher of session %s failed.", job.log.session_id, exc_info=error)
            code, cause = ResearcherFailed.code, f"{type(error).__name__}: {error}"
        self._end(job, Kind.RESEARCH_FAILED, State.FAILED, {"code": code, "cause": cause[:4000]})

    def _end(
        self, job: Job, kind: Kind, state: State, detail: Mapping[str, Any], *, report: bytes | None = None
    ) -> Future[bytes]:
        """Append the event that ends a session, whatever its thread is at."""
        future = self.close_attempt(job, kind, state, detail, report=report)
        self.abandon(job)
        self.leave(job, future)
        return future

    def abandon(self, job: Job) -> None:
        """Cancel a job's attempt and leave its thread behind; a function may wait for a decision in it."""
        if job.running is not None:
            job.running.cancel()
            self._leave_behind(job)
        job.decided.set()

    def mend(self, job: Job) -> None:
        """Write down what the disk could not take when it was full, now that it may."""
        session_log = job.log
        if session_log.broken is None:
            return
        cause = session_log.broken
        with session_log.lock:
            session_log.broken = None
        session_log.overlay = {}
        self.append(job, Kind.RESEARCH_FAILED, State.FAILED, {"code": "storage", "cause": cause}, gate=0)

    def _leave_behind(self, job: Job) -> None:
        """Count the job's thread among those that outlive their session."""
        self._forget_the_dead()  # Also where nobody asks for the figure.
        if job.thread is not None and job.thread.is_alive() and job.thread is not threading.current_thread():
            self._left_behind.add(job.thread)


def because(reason: str, job: Job) -> dict[str, Any]:
    """Give the `detail` of an event that stops work or takes it up again."""
    return {"reason": reason, "attempt": job.attempt}
