"""Move sessions from state to state, one thread each while they work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from ..errors import (
    SessionNotFound,
    StaleVersion,
    WrongState,
)
from ..events import Kind, Snapshot, State
from ..report import Report
from ..researchers import Registry
from ..store import Neighbours, Store
from ..store.writer import settle
from ..work import Caller, Place
from .allowance import Allowance
from .chores import Chores
from .isolation import Isolation
from .job import Command, Job
from .kept import kept
from .memory import Memory
from .questions import Questions
from .recovery import Recovery
from .request import as_json, checked, feedback_of, version_of
from .retention import Retention
from .starting import Starting
from .transitions import Limits, Transitions, because
from .turns import Turns

log = logging.getLogger(__name__)

#: States from which a resume may start.
RESUMABLE: Final = (State.PAUSED, State.INTERRUPTED, State.FAILED)

#: Seconds between two looks for sessions that a server beside this one has left.
HALF_A_MINUTE: Final = 30.0

#: Seconds between two times that free memory is given back.
MINUTE: Final = 60.0

#: Seconds between two looks for sessions that are old enough to be removed.
HOUR: Final = 3600.0


class Manager:
    """Start sessions and carry out commands on them.

    Commands block until their transition is committed. One lock guards all transitions: they are few,
    and nothing waits for a disk or a thread under it.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        limits: Limits,
        folder: Path,
        place: Callable[[str | None, Caller], Place],
        on_deleted: Callable[[str], None] = lambda session_id: None,
        neighbours: Neighbours | None = None,
        adopt: Callable[[], Collection[str]] | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._place = place
        self._on_deleted = on_deleted
        self._transitions = Transitions(store, limits)
        self._turns = Turns(
            self._transitions, store, registry, folder=folder, place=place, isolation=isolation
        )
        self._transitions.crew = self._turns
        self._lock = self._transitions.lock
        self._jobs = self._transitions.jobs
        self._adopt = adopt
        self.questions = Questions(
            store, registry, self._turns.session_folder, place, neighbours or Neighbours(None)
        )
        self.recovery = Recovery(store, self._transitions, self._resume)
        self._allowance = Allowance(
            store,
            self._transitions,
            self._turns.session_folder,
            self._found,
        )
        self._retention = Retention(store, limits, self._remove_where)
        self._chores = Chores(self._chores_of(limits))
        self._starting = Starting(
            store, registry, self._transitions, self._turns, self._allowance, place=place
        )

    def _found(self, job: Job) -> Report:
        """Give the report of what a session at work has found so far."""
        report, attempt = self.questions.found(Caller(owner=job.owner), job.log.session_id), job.running
        return report if attempt is None else self._turns.complete(job, attempt, report)

    @property
    def working(self) -> int:
        """Count the sessions that work."""
        with self._lock:
            return sum(job.state.working for job in self._jobs.values())

    @property
    def abandoned_threads(self) -> int:
        """Count the threads that still run though their session has ended."""
        with self._lock:
            return self._transitions.abandoned_threads

    # -- start ---------------------------------------------------------------------------------

    def start(self, caller: Caller, body: Any) -> tuple[Snapshot, bool]:
        """Start a session, or find the one that the key names; tell whether it is new."""
        return self._starting.start(caller, body)

    # -- decisions -----------------------------------------------------------------------------

    def approve(self, caller: Caller, session_id: str, body: Any) -> Snapshot:
        """Approve the proposal, as it stands or as the body edits it."""
        fields = checked(body, {"version", "proposal"})
        version = version_of(fields)
        self._look_for(caller, session_id)
        with self._lock:
            job = self._job(caller, session_id)
            edited = fields.get("proposal")
            if edited is not None:
                edited = as_json(self._registry.get(job.record.researcher).check_proposal(edited))
            future = None
            if not self._repeats(job, job.approval(version, edited)):
                self._expect(job, version)
                future = self._approve(job, job.proposal if edited is None else edited)
        return self._answer(job, future)

    def _approve(self, job: Job, proposal: Any) -> Future[bytes]:
        job.approve(job.version, proposal)
        detail = {"version": job.version, "proposal": proposal}
        return self._transitions.go_on(job, Kind.RESEARCH_APPROVED, State.RESEARCHING, detail)

    def modify(self, caller: Caller, session_id: str, body: Any) -> Snapshot:
        """Ask for another proposal."""
        fields = checked(body, {"version", "feedback"})
        version, feedback = version_of(fields), feedback_of(fields)
        self._look_for(caller, session_id)
        with self._lock:
            job = self._job(caller, session_id)
            if not job.plans:
                raise WrongState(
                    f"The researcher {job.record.researcher} cannot change its proposal: "
                    "edit it and approve that."
                )
            future = None
            if not self._repeats(job, Command(action="modify", version=version, content=feedback)):
                self._expect(job, version)
                job.modify(version, feedback)
                detail = {"version": version, "feedback": feedback}
                future = self._transitions.go_on(job, Kind.MODIFICATION_STARTED, State.PLANNING, detail)
        return self._answer(job, future)

    def _expect(self, job: Job, version: int) -> None:
        if job.state is not State.AWAITING_APPROVAL:
            raise WrongState(f"The session is {job.state.value}: it does not wait for approval.")
        if version != job.version:
            raise StaleVersion(
                f"Version {version} is not the newest proposal, {job.version} is: "
                "look at it and decide again."
            )

    @staticmethod
    def _repeats(job: Job, command: Command) -> bool:
        """Tell whether a command was already carried out and has just led here."""
        return job.last == command and job.state in (State.QUEUED, State.PLANNING, State.RESEARCHING)

    # -- pause, resume, cancel, delete -----------------------------------------------------------

    def pause(self, caller: Caller, session_id: str) -> Snapshot:
        """Stop the work where it can go on later."""
        self._look_for(caller, session_id)
        said = kept(self.questions.snapshot(caller, session_id))  # Read from the disk, so not under the lock.
        with self._lock:
            job = self._job(caller, session_id)
            if job.state is not State.PAUSED and not job.state.working:
                raise WrongState(f"The session is {job.state.value}: only one that works can be paused.")
            future = None if job.state is State.PAUSED else self._pause(job, said)
        return self._answer(job, future)

    def _pause(self, job: Job, said: str | None) -> Future[bytes]:
        job.last = Command(action="pause")
        reason = because("asked for", job)
        attempt = job.running
        if job.plans:
            # Steps under way end in the background: what they find is kept, what they say is not.
            future = self._transitions.close_attempt(
                job, Kind.RESEARCH_PAUSED, State.PAUSED, reason, message=said
            )
            if attempt is not None:
                attempt.control.request_drain()
            return future
        if attempt is not None:
            attempt.hold()
        future = self._transitions.append(job, Kind.RESEARCH_PAUSED, State.PAUSED, reason)
        self._transitions.release(job)
        return future

    def resume(self, caller: Caller, session_id: str) -> Snapshot:
        """Go on where the work stopped, without doing again what is done."""
        if self.questions.log_of(caller, session_id).broken is not None:
            # What the old attempt had still handed over fails first; later it would end the new one.
            settle(self._store.flush())
        with self._lock:
            job = self._job(caller, session_id)
            future = None
            if not self._repeats(job, Command(action="resume")):
                if job.state not in RESUMABLE and not self._incomplete(job):
                    raise WrongState(f"The session is {job.state.value}: there is nothing to resume.")
                self._transitions.refuse_when_closing()
                self._allowance.check_time(job)
                future = self._resume(job, "asked for")
        return self._answer(job, future)

    def _resume(self, job: Job, reason: str) -> Future[bytes]:
        self._jobs[job.log.session_id] = job
        self._transitions.mend(job)
        job.last = Command(action="resume")
        held = job.running is not None and not job.running.closed
        detail: dict[str, Any] = {}
        if not held:
            job.attempt += 1
            if not job.plans:
                detail["from_start"] = True
        return self._transitions.go_on(
            job, Kind.RESEARCH_RESUMED, job.phase, {**because(reason, job), **detail}
        )

    def _incomplete(self, job: Job) -> bool:
        """Tell whether a completed session has analysts to repeat."""
        if job.state is not State.COMPLETED:
            return False
        return any(analyst["state"] == "failed" for analyst in self._store.snapshot(job.log)["analysts"])

    def cancel(self, caller: Caller, session_id: str) -> Snapshot:
        """End a session now; its thread is not waited for."""
        self._look_for(caller, session_id)
        with self._lock:
            job = self._job(caller, session_id)
            if job.state.finished and job.state is not State.CANCELLED:
                raise WrongState(f"The session is {job.state.value}: there is nothing to cancel.")
            future = None if job.state is State.CANCELLED else self._transitions.cancel(job)
        return self._answer(job, future)

    def delete(self, caller: Caller, session_id: str) -> None:
        """Remove a session and all that belongs to it."""
        self._look_for(caller, session_id)
        with self._lock:
            job = self._job(caller, session_id)
            future = self._remove(job)
        self._removed(job, future)

    def _remove(self, job: Job) -> Future[bytes]:
        if not job.state.finished:
            self._transitions.cancel(job)
        return self._store.delete(job.log)

    def _removed(self, job: Job, future: Future[bytes]) -> None:
        settle(future)
        self._on_deleted(job.log.session_id)
        if job.thread is None or not job.thread.is_alive():
            self._turns.remove_folder(job.log.session_id)

    def _remove_where(self, session_id: str, states: Sequence[State]) -> bool:
        """Remove a session that is still in one of these states; tell whether it was."""
        with self._lock:
            row = self._store.row(session_id)
            if row is None or self._transitions.closing:
                return False
            job = self._job(Caller(owner=row.owner), session_id)
            if job.state not in states:
                return False
            future = self._remove(job)
        self._removed(job, future)
        return True

    def _answer(self, job: Job, future: Future[bytes] | None) -> Snapshot:
        """Give the snapshot after the transition is committed."""
        if future is not None:
            settle(future)
        return self._store.snapshot(job.log)

    # -- finding -------------------------------------------------------------------------------

    def _look_for(self, caller: Caller, session_id: str) -> None:
        """Refuse what is another server's, whose files may be slow, or nobody's, before the lock is taken.

        Raises:
            SessionNotFound, ReadOnlySession: as `Questions.owned`.
        """
        if session_id not in self._jobs:
            self.questions.owned(caller, session_id)

    def _job(self, caller: Caller, session_id: str) -> Job:
        """Find a job in memory, else make it anew from the log."""
        self._transitions.prune()
        job = self._jobs.get(session_id)
        if job is not None and job.log.broken is not None:
            self.recovery.end_broken([job.log])  # The writer's word of it is still on its way.
            job = None
        if job is not None:
            if job.owner != caller.owner:
                raise SessionNotFound()
            return job
        own = self.questions.here(caller, session_id)
        if own is None:
            raise SessionNotFound()
        job = self.recovery.restore(*own)
        if job.state.working:
            self.recovery.interrupt(job)  # Taken over just now, and a command has come first.
        if not job.state.finished:
            self._jobs[session_id] = job
        return job

    # -- life ----------------------------------------------------------------------------------

    def _chores_of(self, limits: Limits) -> dict[Callable[[], object], float]:
        chores: dict[Callable[[], object], float] = {}
        if limits.max_session_seconds:
            chores[self._allowance.end_overdue] = min(1.0, limits.max_session_seconds / 10)
        if limits.keep_days or limits.keep_sessions:
            chores[self._retention.sweep] = HOUR
        return chores

    def take_up_work(self, *, resume: bool, requeue: bool = True) -> None:
        """Go on with what an earlier server left, and begin with the chores.

        Args:
            resume: whether what was interrupted goes on by itself.
            requeue: whether what waited for its turn does so again; no, in a process that is soon gone.
        """
        self.recovery.recover(resume=resume, requeue=requeue)
        if self._adopt is not None:
            self._chores.add(lambda: self._take_over(resume), HALF_A_MINUTE)
            memory = Memory(lambda: self._transitions.ended)  # In a server alone: other processes end soon.
            self._chores.add(memory.give_back, MINUTE)
        self._chores.start()

    def _take_over(self, resume: bool) -> None:
        """Take over what servers beside this one have left."""
        adopted = self._adopt() if self._adopt is not None else ()
        if adopted:
            self.recovery.recover(resume=resume, only=adopted)

    def close(self, timeout: float) -> None:
        """Interrupt what works, and give its threads until `timeout` to end."""
        with self._lock:
            self._transitions.closing = True
            threads = []
            for job in list(self._jobs.values()):
                attempt = job.running
                if job.state.working:
                    self._transitions.close_attempt(
                        job, Kind.RESEARCH_INTERRUPTED, State.INTERRUPTED, because("the server stopped", job)
                    )
                if attempt is not None:
                    attempt.cancel()
                job.decided.set()
                if job.thread is not None and job.thread is not threading.current_thread():
                    threads.append(job.thread)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._chores.stop(max(0.0, deadline - time.monotonic()))
