"""Take over what a server that is gone has left, and end what the disk did not take."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future

from ..errors import ResearchError
from ..events import Kind, State
from ..store import SessionLog, SessionRow, Store
from ..store.writer import settle
from .job import GONE, Job, Record
from .transitions import Transitions, because

log = logging.getLogger(__name__)

#: Takes a job up again, for the reason given.
Resume = Callable[[Job, str], Future[bytes]]


class Recovery:
    """Bring sessions back into memory, or out of it, when it was not a person who moved them."""

    def __init__(self, store: Store, transitions: Transitions, resume: Resume) -> None:
        self._store = store
        self._transitions = transitions
        self._resume = resume

    def restore(self, row: SessionRow, session_log: SessionLog) -> Job:
        """Make a job anew from its log."""
        record = Record.from_json(row.record)
        job = Job(log=session_log, owner=row.owner, record=record)
        job.replay(self._store.marks(session_log))
        if session_log.broken is not None:
            job.state = State.FAILED
        return job

    def recover(self, *, resume: bool, requeue: bool = True, only: Collection[str] | None = None) -> None:
        """Take over what a server that is gone has left: interrupted, or queued again.

        Args:
            resume: whether what was interrupted goes on.
            requeue: whether what was queued is; else it waits for another server.
            only: the sessions that are meant; None for all of the file, before anything works.
        """
        states = [State.QUEUED, State.PLANNING, State.RESEARCHING]
        if resume:
            states.append(State.INTERRUPTED)  # By a stop in good order.
        for row in reversed(self._store.rows(states=states)):
            if only is not None and row.session_id not in only:
                continue
            if row.state is State.QUEUED and not requeue:
                continue
            session_log = self._store.log(row.session_id)
            assert session_log is not None
            with self._transitions.lock:
                try:
                    job = self._transitions.jobs.get(row.session_id) or self.restore(row, session_log)
                except ResearchError as error:
                    log.warning("The session %s cannot go on: %s", row.session_id, error)
                    continue
                if job.state not in states or job.running is not None or self._transitions.slots.queues(job):
                    continue  # Somebody's command has come first.
                self._transitions.jobs[row.session_id] = job
                if job.state is State.QUEUED:
                    if self._transitions.slots.request(job):
                        self._transitions.begin(job)
                    continue
                if job.state is not State.INTERRUPTED:
                    self.interrupt(job)
                if resume:
                    self._resume(job, "resumed at the start of the server")
        settle(self._store.flush())  # Who asks first is not told what the dead server had last said.

    def interrupt(self, job: Job) -> None:
        """Note that the server which worked on a session is gone. Called with the lock held."""
        reason = because(GONE, job)
        self._transitions.append(job, Kind.RESEARCH_INTERRUPTED, State.INTERRUPTED, reason, gate=0)

    def storage_failed(self, logs: Iterable[SessionLog], sentence: str) -> None:
        """End the sessions whose events the disk did not take. Called in the writer's thread."""
        for session_log in logs:
            session_log.overlay = {
                "state": State.FAILED.value,
                "error": {"code": "storage", "message": sentence},
            }
        # In a thread of its own: a command may hold the lock while it waits for the writer.
        threading.Thread(target=self.end_broken, args=(list(logs),), daemon=True).start()

    def end_broken(self, logs: Iterable[SessionLog]) -> None:
        """End the sessions whose log is broken and that nobody has resumed since."""
        with self._transitions.lock:
            for session_log in logs:
                job = self._transitions.jobs.get(session_log.session_id)
                if job is None or session_log.broken is None:
                    continue  # Ended already, or even resumed since.
                del self._transitions.jobs[session_log.session_id]
                working, queued = job.state.working, job.state is State.QUEUED
                job.enter(State.FAILED)
                self._transitions.abandon(job)
                if working:
                    self._transitions.release(job)
                elif queued:
                    self._transitions.slots.withdraw(job)
