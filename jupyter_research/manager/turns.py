"""Let a researcher take its turns, and turn what comes of them into transitions."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from ..carry import is_cancellation
from ..context import attempt_context, clear_session_context
from ..errors import SessionCancelled, StorageFailed
from ..events import Kind, State
from ..guard import Restraint, sentence, watch
from ..report import Report
from ..researchers import Local, Registry, Researcher
from ..store import Store
from ..store.writer import settle
from ..work import Caller, Drained, Finished, Outcome, Place, Proposed, Work
from .attempt import Attempt
from .isolation import Isolation
from .job import Job
from .request import as_json
from .transitions import Transitions

log = logging.getLogger(__name__)

#: The file of a session's folder that counts what the guard refused, a line for each attempt.
_REFUSED: Final = "refused"


class Turns:
    """Be the crew. Its methods run in the sessions' threads."""

    def __init__(
        self,
        transitions: Transitions,
        store: Store,
        registry: Registry,
        *,
        folder: Path,
        place: Callable[[str | None, Caller], Place],
        isolation: Isolation | None = None,
    ) -> None:
        self._transitions = transitions
        self._store = store
        self._registry = registry
        self._folder = folder
        self._place = place
        self._isolation = isolation

    def session_folder(self, session_id: str) -> Path:
        """Name a session's own folder."""
        return self._folder / session_id

    def remove_folder(self, session_id: str) -> None:
        """Remove a session's own folder, if it is there."""
        shutil.rmtree(self.session_folder(session_id), ignore_errors=True)

    def perform(self, job: Job, attempt: Attempt) -> None:
        """Run turns until the researcher has ended, waits, or was stopped."""
        try:
            with attempt_context(attempt.binding), self._restrained(job, attempt):
                going = True
                while going:
                    going = self._turn(job, attempt)
        except BaseException as error:
            self._failed(job, attempt, error)
        finally:
            clear_session_context()
            with self._transitions.lock:
                self._transitions.ended += 1
                if job.running is attempt:
                    job.running = None
            if job.log.deleted:
                self.remove_folder(job.log.session_id)

    @contextmanager
    def _restrained(self, job: Job, attempt: Attempt) -> Iterator[None]:
        """Keep a local-only session from the network, and count what it tried."""
        if attempt.restraint is None:
            yield
            return
        researcher = self._registry.get(job.record.researcher)
        if isinstance(researcher, Local):
            attempt.restraint.allow(researcher.local_addresses(job.record.options))
        with watch.over(attempt.restraint):
            try:
                yield
            finally:
                if any(attempt.restraint.counts) and not job.log.deleted:
                    folder = self.session_folder(job.log.session_id)
                    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                    with (folder / _REFUSED).open("a", encoding="utf-8") as file:
                        print(*attempt.restraint.counts, file=file)

    def _guarded(self, job: Job, attempt: Attempt, restraint: Restraint) -> str:
        """Say what the guard of a local-only session has seen, earlier attempts included."""
        try:
            stored = (self.session_folder(job.log.session_id) / _REFUSED).read_text(encoding="utf-8")
        except FileNotFoundError:
            stored = ""
        earlier = [tuple(map(int, line.split())) for line in stored.splitlines()]
        said = sentence(*map(sum, zip(restraint.counts, *earlier, strict=True)))
        return f"{said}; {attempt.means}" if attempt.means else said

    def _turn(self, job: Job, attempt: Attempt) -> bool:
        """Let the researcher run once; tell whether it is to run again at once."""
        attempt.wait()
        researcher = self._registry.get(job.record.researcher)
        outcome = self._run(researcher, job, attempt)
        if isinstance(outcome, Finished):
            self._finished(job, attempt, outcome)
            return False
        if isinstance(outcome, Drained):
            return False
        return self._proposed(job, attempt, outcome)

    def _run(self, researcher: Researcher, job: Job, attempt: Attempt) -> Outcome:
        """Let the researcher run here, or in a process of its own where a local-only one is to have that."""
        work = self._describe(job, attempt)
        if attempt.restraint is None or self._isolation is None:
            return researcher.run(work)
        hindrance = self._isolation.hindrance(researcher.name, job.record.options)
        if hindrance is not None:
            attempt.means = f"no process of its own ({hindrance})"
            return researcher.run(work)
        outcome, attempt.means = self._isolation.run(researcher.name, work, attempt)
        return outcome

    def _describe(self, job: Job, attempt: Attempt) -> Work:
        folder = self.session_folder(job.log.session_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        record = job.record
        return Work(
            session_id=job.log.session_id,
            attempt=attempt.number,
            topic=record.topic,
            options=record.options,
            owner=job.owner,
            place=self._place(record.notebook, Caller(owner=job.owner, guest=record.guest)),
            folder=folder,
            control=attempt.control,
            decision=job.decision,
        )

    def _proposed(self, job: Job, attempt: Attempt, outcome: Proposed) -> bool:
        with self._transitions.lock:
            if attempt.closed:
                return False
            job.version += 1
            job.proposal = as_json(outcome.proposal)
            if job.record.approve == "auto":
                self._approve_at_once(job)
                return True
            job.decision = None
            future = self._transitions.close_attempt(
                job,
                Kind.APPROVAL_REQUESTED,
                State.AWAITING_APPROVAL,
                {
                    **outcome.detail,
                    "version": job.version,
                    "question": outcome.question,
                    "proposal": job.proposal,
                },
            )
        self._write_down(job, future)
        return False

    def ask(self, job: Job, attempt: Attempt, question: str, proposal: Any) -> Any:
        """Let a function wait for a person, without a slot. Any thread of the session."""
        proposal = as_json(proposal)
        with attempt.asking:  # One question at a time, however many threads have one.
            index = attempt.approvals
            attempt.approvals += 1
            with self._transitions.lock:
                if attempt.closed:
                    raise SessionCancelled("The session has ended.")
                if index >= len(job.approved):
                    self._request_approval(job, question, proposal)
            while index >= len(job.approved):
                job.decided.wait()
                attempt.wait()
                if attempt.closed:
                    raise SessionCancelled("The session has ended.")
            # Approved before a restart, or just now: nobody is asked twice.
            return job.approved[index]

    def _request_approval(self, job: Job, question: str, proposal: Any) -> None:
        job.version += 1
        job.proposal = proposal
        if job.record.approve == "auto":
            self._approve_at_once(job)
            return
        job.decided.clear()
        detail = {"version": job.version, "question": str(question), "proposal": proposal}
        self._transitions.append(job, Kind.APPROVAL_REQUESTED, State.AWAITING_APPROVAL, detail)
        self._transitions.release(job)

    def _approve_at_once(self, job: Job) -> None:
        job.approve(job.version, job.proposal)
        detail = {"version": job.version, "proposal": job.proposal}
        self._transitions.append(job, Kind.RESEARCH_APPROVED, State.RESEARCHING, detail)

    def _finished(self, job: Job, attempt: Attempt, outcome: Finished) -> None:
        report = self.complete(job, attempt, outcome.report)
        if attempt.restraint is not None:
            # Not through the context: the researcher may have left its session.
            attempt.status(f"{report.made['guard']}.", {"detail": {"refused": attempt.restraint.what}})
        detail = {"report_available": True, "limitations": list(report.limitations)}
        body = orjson.dumps(report.to_json())
        with self._transitions.lock:
            if attempt.closed:
                return
            future = self._transitions.close_attempt(
                job, Kind.RESEARCH_COMPLETED, State.COMPLETED, detail, report=body
            )
            self._transitions.leave(job, future)
        self._write_down(job, future)

    def _write_down(self, job: Job, future: Future[bytes]) -> None:
        """Store the state that an event leads to, once it is committed: before, an older one would be."""
        with suppress(StorageFailed, TimeoutError):  # Then the log is read when somebody asks.
            settle(future)
            self._store.save_snapshot(job.log)

    def complete(self, job: Job, attempt: Attempt, report: Report) -> Report:
        """Fill in what only the session knows."""
        limitations, cap = report.limitations, self._transitions.limits.max_events
        if capped := job.log.capped:
            limitations = (
                *limitations,
                f"{capped:,} updates beyond the cap of {cap:,} events were not logged.",
            )
        guarded = (
            {} if attempt.restraint is None else {"guard": self._guarded(job, attempt, attempt.restraint)}
        )
        return replace(
            report,
            session_id=job.log.session_id,
            topic=job.record.topic,
            limitations=limitations,
            made={"researcher": job.record.researcher, **report.made, **guarded},
        )

    def _failed(self, job: Job, attempt: Attempt, error: BaseException) -> None:
        if not isinstance(error, Exception) and not is_cancellation(error):
            log.warning("A session's researcher raised %s.", type(error).__name__)
        with self._transitions.lock:
            if attempt.closed:
                return  # Cancelled, paused or interrupted: that is the answer.
            self._transitions.fail(job, error)
