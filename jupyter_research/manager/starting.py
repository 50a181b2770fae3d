"""Start sessions, each key but once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from ..analysts.given import Given, GivenDocuments
from ..errors import InvalidRequest, LimitReached, ResearchError
from ..events import Kind, Snapshot, State
from ..researchers import Reader, Registry, Researcher
from ..store import SessionLog, Store
from ..store.writer import settle
from ..work import Caller, Place
from .allowance import Allowance
from .job import Job, Record
from .request import StartRequest, as_json
from .transitions import Transitions
from .turns import Turns


class Starting:
    """Check what is asked for, find what is there already, and begin what is not."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        transitions: Transitions,
        turns: Turns,
        allowance: Allowance,
        *,
        place: Callable[[str | None, Caller], Place],
    ) -> None:
        self._store = store
        self._registry = registry
        self._transitions = transitions
        self._turns = turns
        self._allowance = allowance
        self._place = place
        # Each lives as long as somebody has it in hand: there are as many keys as cells were ever run.
        self._key_locks: WeakValueDictionary[tuple[str, str], threading.Lock] = WeakValueDictionary()

    def start(self, caller: Caller, body: Any) -> tuple[Snapshot, bool]:
        """Start a session, or find the one that the key names; tell whether it is new."""
        request = StartRequest.from_json(body)
        researcher = self._registry.get(request.researcher)
        place = self._place(request.notebook, caller)
        options = researcher.check(_with_documents(request, researcher), place)
        self._check_local(options)
        approve = request.approve or ("ask" if researcher.asks(options) else "auto")
        record = Record(
            topic=request.topic,
            researcher=researcher.name,
            options=as_json(options),
            approve=approve,
            plans=researcher.plans,
            notebook=request.notebook,
            guest=caller.guest,
            key=request.key,
        )
        if request.key is None:
            return self._start(caller, record, request.documents), True
        with self._key_lock(caller.owner, request.key):
            record = replace(record, fingerprint=researcher.fingerprint(options, place, caller.owner))
            known = None if request.new else self._same(caller, record)
            if known is not None:
                return self._store.snapshot(known), False
            return self._start(caller, record, request.documents), True

    def _check_local(self, options: Mapping[str, Any]) -> None:
        limits = self._transitions.limits
        if (limits.local_only or options.get("local_only")) and not limits.carries:
            raise InvalidRequest(
                "A session can be local only where the server carries it into threads: "
                "its administrator has turned carry_context off."
            )

    def _start(self, caller: Caller, record: Record, documents: Sequence[Given]) -> Snapshot:
        self._allowance.check_room(caller.owner)
        session_id = uuid.uuid4().hex
        if documents:
            # Before the session is in the log: one that is there has what it was given.
            GivenDocuments(self._turns.session_folder(session_id)).keep(documents)
        try:
            return self._begin(session_id, caller, record)
        except ResearchError:
            self._turns.remove_folder(session_id)
            raise

    def _begin(self, session_id: str, caller: Caller, record: Record) -> Snapshot:
        with self._transitions.lock:
            self._transitions.refuse_when_closing()
            self._refuse_when_full(caller.owner)
            session_log = self._store.create(session_id, caller.owner, record.key, record.to_json())
            job = Job(log=session_log, owner=caller.owner, record=record)
            self._transitions.jobs[session_id] = job
            future = self._transitions.append(
                job,
                Kind.SESSION_STARTED,
                State.QUEUED,
                {
                    "topic": record.topic,
                    "researcher": record.researcher,
                    "options": record.options,
                    "owner": caller.owner,
                    "notebook": record.notebook,
                    "attempt": job.attempt,
                    "approve": record.approve,
                },
            )
            if self._transitions.slots.request(job):
                future = self._transitions.begin(job)
        settle(future)
        return self._store.snapshot(session_log)

    def _refuse_when_full(self, owner: str) -> None:
        slots = self._transitions.slots
        waiting = slots.queued
        if waiting >= self._transitions.limits.max_queued_sessions and not slots.free(owner):
            raise LimitReached(
                f"Every slot is taken, and {waiting} sessions wait already: try again when some have ended."
            )

    def _same(self, caller: Caller, record: Record) -> SessionLog | None:
        """Find the newest session of the same key that did the same on the same files."""
        for row in self._store.rows(owner=caller.owner, key=record.key):
            known = Record.from_json(row.record)
            same = (known.topic, known.researcher, known.fingerprint) == (
                record.topic,
                record.researcher,
                record.fingerprint,
            ) and as_json(known.options) == record.options
            if same and row.state not in (State.FAILED, State.CANCELLED):
                found = self._store.log(row.session_id)
                return None if found is None or self._ran_out(found) else found
        return None

    def _ran_out(self, session_log: SessionLog) -> bool:
        """Tell whether a session reached a cap before it had a report: who runs its cell again wants one."""
        snapshot = self._store.snapshot(session_log)
        return snapshot["state"] == State.COMPLETED.value and not snapshot["report_available"]

    def _key_lock(self, owner: str, key: str) -> threading.Lock:
        with self._transitions.lock:
            return self._key_locks.setdefault((owner, key), threading.Lock())


def _with_documents(request: StartRequest, researcher: Researcher) -> Mapping[str, Any]:
    """Give the options, with the names and hashes of the documents that came along."""
    if not request.documents:
        return request.options
    if not isinstance(researcher, Reader):
        raise InvalidRequest(f"The researcher {request.researcher} takes no documents.")
    return {**request.options, "documents": [one.described() for one in request.documents]}
