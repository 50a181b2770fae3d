"""Build the parts and hand each what it needs: the composition root."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from .._version import __version__
from ..analysts import Analysts, Brief
from ..analysts.thinking import Thinking
from ..broadcast import Broadcast
from ..capture import Capture
from ..carry import carriers, disown_workers
from ..errors import (
    NotReady,
    ReadOnlySession,
    SourceNotFound,
    WrongState,
)
from ..events import Kind, Snapshot, State
from ..export import FORMATS, card, export
from ..manager import Isolation, Manager
from ..meter import Meter
from ..models.defaults import Defaults
from ..report import Report
from ..researchers import FunctionResearcher, Registry, Researcher, give_callback
from ..store import Folder, Neighbours, SessionLog, Store, adopt, claim
from ..store.damage import notices
from ..store.writer import settle
from ..work import Caller
from .figures import Figures
from .places import Places
from .settings import Settings


class Runtime:
    """Be everything that sessions need, in one process.

    Methods are thread-safe and block until what they answer is committed; handlers call them in threads.
    They raise the errors of `errors.py`.
    """

    version = __version__
    #: Seconds after which one may look again for news of a session that another server works on.
    foreign_pace = 1.0

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.broadcast = Broadcast()
        self._meter = Meter()
        self._places = Places(settings.root, settings.libraries)
        self._lock = threading.Lock()
        self._folder: Folder | None = None
        self._capture: Capture | None = None
        self._store: Store
        self._manager: Manager
        self._registry: Registry

    # -- life ----------------------------------------------------------------------------------

    def open(self) -> None:
        """Claim the data folder and take over what an earlier server left; once is enough."""
        with self._lock:
            if self._folder is not None:
                return
            folder = claim(self.settings.data_dir)
            try:
                self._build(folder)
            except BaseException:
                folder.release()
                raise
            self._folder = folder
        self._manager.take_up_work(resume=self.settings.auto_resume, requeue=self.settings.requeue)

    def _build(self, folder: Folder) -> None:
        settings = self.settings
        self._store = Store(
            folder.path / "research.sqlite",
            on_commit=self.broadcast.grew,
            on_failure=self._storage_failed,
            may_wait=lambda: not self.broadcast.on_loop(),
        )
        self.broadcast.use(self._store)
        built_in: dict[str, Any] = {
            "indexes": settings.indexes or folder.indexes,
            "thinking": self._thinking(),
            "local_only": settings.local_only,
            "max_seconds": settings.max_session_seconds,
            "online": replace(settings.online, cache=folder.path / "web", key=self._source_key),
            "meter": self._meter,
        }
        self._registry = Registry(Analysts(**built_in), settings.researchers)
        self._registry.add(Brief(**built_in))
        self._manager = Manager(
            self._store,
            self._registry,
            limits=settings.limits(),
            folder=folder.sessions,
            place=self._places.of,
            on_deleted=lambda session_id: self.broadcast.dismiss(session_id, "deleted"),
            neighbours=Neighbours(folder),
            adopt=(lambda: adopt(folder, self._store)) if settings.adopt else None,
            isolation=Isolation(settings.indexes or folder.indexes, self._registry.target)
            if settings.local_only_isolation == "process"
            else None,
        )
        if settings.carry_context:
            carriers.install()
        if settings.capture_output:
            self._capture = Capture()
            self._capture.install()

    def close(self, timeout: float = 1.5) -> None:
        """Interrupt what works, commit what was said, give the folder back; once is enough."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is None:
            return
        self._manager.close(timeout)
        self._store.close(timeout)
        if self._capture is not None:
            self._capture.remove()
        if self.settings.carry_context:
            carriers.remove()
            disown_workers()
        folder.release()

    # -- commands ------------------------------------------------------------------------------

    def start(self, caller: Caller, body: Any) -> tuple[Snapshot, bool]:
        """Start a session; tell whether it is new."""
        return self._manager.start(caller, body)

    def approve(self, caller: Caller, session_id: str, body: Any) -> Snapshot:
        """Approve the proposal, as it stands or as the body edits it."""
        return self._manager.approve(caller, session_id, body)

    def modify(self, caller: Caller, session_id: str, body: Any) -> Snapshot:
        """Ask for another proposal."""
        return self._manager.modify(caller, session_id, body)

    def pause(self, caller: Caller, session_id: str) -> Snapshot:
        """Stop the work where it can go on later."""
        return self._manager.pause(caller, session_id)

    def resume(self, caller: Caller, session_id: str) -> Snapshot:
        """Go on where the work stopped."""
        return self._manager.resume(caller, session_id)

    def cancel(self, caller: Caller, session_id: str) -> Snapshot:
        """End a session now."""
        return self._manager.cancel(caller, session_id)

    def delete(self, caller: Caller, session_id: str) -> None:
        """Remove a session and all that belongs to it."""
        self._manager.delete(caller, session_id)

    def test_update(self, caller: Caller, session_id: str) -> dict[str, Any]:
        """Send one update through the whole chain and give its event."""
        session_log = self.log_of(caller, session_id)
        state = self._store.snapshot(session_log)["state"]
        if State(state).finished:
            raise WrongState(f"The session is {state}: nobody would be told.")
        future = self._store.append(
            session_log,
            Kind.STATUS_UPDATE,
            None,
            {},
            message="A test of the connection.",
            step="TEST_WEBSOCKET",
        )
        event: dict[str, Any] = orjson.loads(settle(future))
        return event

    # -- questions -----------------------------------------------------------------------------

    @property
    def log_id(self) -> str:
        """Name this life of the log."""
        return self._store.log_id

    def working(self) -> bool:
        """Tell whether a session works."""
        return self._manager.working > 0

    def figures(self) -> Figures | None:
        """Give what an operator watches; None while the runtime is not open."""
        if self._folder is None:
            return None
        return Figures(
            sessions=self._store.counts(),
            delivered=self.broadcast.delivered,
            dropped=self._store.dropped,
            backlog=self._store.backlog,
            held=self._store.held,
            viewers=self.broadcast.viewer_count(),
            abandoned_threads=self._manager.abandoned_threads,
            times=self._meter.times(),
            tokens=self._meter.tokens(),
        )

    def log_of(self, caller: Caller, session_id: str) -> SessionLog:
        """Find a session's log where it is the caller's."""
        return self._manager.questions.log_of(caller, session_id)

    def get(self, caller: Caller, session_id: str) -> Snapshot:
        """Give a session's state."""
        return self._manager.questions.snapshot(caller, session_id)

    def list(
        self, caller: Caller, *, states: Sequence[str] = (), limit: int = 50, before: str | None = None
    ) -> tuple[list[Snapshot], str | None]:
        """Give a page of the caller's sessions, newest first, and where the next begins."""
        return self._manager.questions.list(caller, states=states, limit=limit, before=before)

    def notices(self) -> Sequence[str]:
        """Give what people should know of how their sessions are kept."""
        return () if self._folder is None else notices(self._folder.path)

    def counts(self, caller: Caller) -> dict[str, int]:
        """Count the caller's sessions by state."""
        return self._store.counts(caller.owner)

    def events(
        self, caller: Caller, session_id: str, *, after: int = 0, limit: int = 200
    ) -> tuple[Sequence[bytes], int]:
        """Give the events past `after` as stored, and the log's last seq."""
        return self._manager.questions.events(caller, session_id, after=after, limit=limit)

    def log_here(self, caller: Caller, session_id: str) -> SessionLog | None:
        """Find a session's log; None where another server writes it, and nobody here hears of its news."""
        try:
            return self.log_of(caller, session_id)
        except ReadOnlySession:
            return None

    def wait(self, caller: Caller, session_id: str, *, after: int, timeout: float) -> None:
        """Block until a session has an event past `after`, at most `timeout` seconds."""
        session_log = self.log_here(caller, session_id)
        if session_log is None:
            time.sleep(min(timeout, self.foreign_pace))
        else:
            self.broadcast.follow(session_log, after, timeout)

    def report(self, caller: Caller, session_id: str) -> Report:
        """Give the report.

        Raises:
            NotReady: with the session's state, while there is none.
        """
        body = self._manager.questions.report(caller, session_id)
        if body is None:
            state = self.get(caller, session_id)["state"]
            raise NotReady(
                f"The session is {state} and has no report{'' if State(state).finished else ' yet'}."
            )
        return Report.from_json(orjson.loads(body))

    def export(
        self, caller: Caller, session_id: str, format: str, *, partial: bool = False
    ) -> tuple[bytes, str, str]:
        """Give the report as a document: bytes, media type, file name.

        Args:
            caller: on whose behalf.
            session_id: the session.
            format: one of the formats.
            partial: whether what a cancelled session had found is meant.
        """
        find = self._manager.questions.partial if partial else self.report
        report = find(caller, session_id)
        document = export(report, format)
        name = re.sub(r"[^A-Za-z0-9]+", "-", report.topic).strip("-")[:60].lower() or "report"
        return document, FORMATS[format].media_type, name + FORMATS[format].suffix

    def output(self, caller: Caller, session_id: str) -> dict[str, Any]:
        """Give what the cell of a session shows now, as a kernel writes it into the notebook."""
        snapshot = self.get(caller, session_id)
        report = self.report(caller, session_id) if snapshot["report_available"] else None
        markdown = export(report, "markdown").decode() if report else ""
        return card.bundle(snapshot, where="server", report=report, markdown=markdown)

    def search(
        self,
        caller: Caller,
        query: str,
        *,
        sources: Sequence[str] = (),
        k: int = 20,
        progress: Callable[[int, int, str], None] = lambda done, total, name: None,
        patience: float | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """Give the passages of a library that fit a query best, without a session.

        Raises:
            LimitReached: when the files are not read after `patience` seconds; the next call goes on there.
        """
        from ..analysts.search import search

        folder = self._folder
        assert folder is not None
        found: Sequence[Mapping[str, Any]] = search(
            query,
            k=k,
            owner=caller.owner,
            place=self._places.of(None, caller),
            sources=sources,
            indexes=self.settings.indexes or folder.indexes,
            progress=progress,
            patience=patience,
        )
        return found

    def search_session(
        self, caller: Caller, session_id: str, query: str, k: int = 20
    ) -> Sequence[Mapping[str, Any]]:
        """Give the passages of a session's library that fit a query best."""
        return self._manager.questions.search(caller, session_id, query, k)

    def ask(self, caller: Caller, session_id: str, question: str) -> dict[str, Any]:
        """Answer a question from a session's library: a report of one section, and the same in Markdown."""
        answer = self._manager.questions.answer(caller, session_id, question)
        return {"report": answer.to_json(), "markdown": export(answer, "markdown").decode()}

    def source(self, caller: Caller, session_id: str, source_id: str) -> dict[str, Any]:
        """Give the stored text that citations of a source count in."""
        found = self._manager.questions.source_text(caller, session_id, source_id)
        if found is None:
            raise SourceNotFound()
        return {"id": source_id, "title": found[0], "text": found[1]}

    def researchers(self) -> Sequence[Mapping[str, str]]:
        """List the researchers that can be chosen."""
        return self._registry.describe()

    def models(self, caller: Caller, *, check: bool = False) -> Sequence[Mapping[str, Any]]:
        """List the models that can be chosen; with `check` ask each whether it answers."""
        described: Sequence[Mapping[str, Any]] = self._analysts.describe_models(
            caller.owner, guest=caller.guest, check=check
        )
        return described

    def defaults(self, caller: Caller) -> dict[str, Any]:
        """Give what a person has chosen for all their sessions."""
        return self._analysts.defaults(caller.owner)

    def keep_defaults(self, caller: Caller, choices: Any) -> dict[str, Any]:
        """Take a person's choices in place of the earlier ones."""
        return self._analysts.keep_defaults(caller.owner, choices)

    def libraries(self) -> Sequence[Mapping[str, str]]:
        """List the libraries that can be named as a source."""
        return self._places.describe()

    def sources(self, caller: Caller) -> Sequence[Mapping[str, str]]:
        """List the online sources that can be named, each with what it lacks for this caller."""
        described: Sequence[Mapping[str, str]] = self._analysts.describe_sources(
            caller.owner, guest=caller.guest
        )
        return described

    def register(self, researcher: Researcher) -> None:
        """Take in a researcher for the life of this runtime."""
        self._registry.add(researcher)

    def register_function(self, name: str, function: Callable[..., Any]) -> str:
        """Take in a function as a researcher for the life of this runtime, and give its name there."""
        give_callback(sys.modules.get(getattr(function, "__module__", None) or ""))
        name = self._registry.name_for(name, function)
        self.register(FunctionResearcher(name, function))
        return name

    # -- parts ---------------------------------------------------------------------------------

    @property
    def _analysts(self) -> Analysts:
        analysts = self._registry.get(Analysts.name)
        assert isinstance(analysts, Analysts)
        return analysts

    def _thinking(self) -> Thinking:
        """Give what knows the models; one for all sessions, since they share a provider's limits."""
        settings = self.settings
        return Thinking(
            configured=settings.models,
            allowed=settings.allowed_models,
            default=settings.default_model,
            caps=settings.model_budget,
            keys=settings.keys(),
            defaults=Defaults(settings.data_dir / "defaults.json"),
            environment=settings.environment,
        )

    def _source_key(self, name: str, owner: str) -> str | None:
        """Give the key of an online source, from where those of models are."""
        found = self.settings.keys().find(name, owner)
        return None if found is None else found[0]

    def _storage_failed(self, logs: Any, sentence: str) -> None:
        self._manager.recovery.storage_failed(logs, sentence)
