"""Hold what the manager knows of one session that may still move."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from ..events import Kind, State
from ..store import SessionLog
from ..work import Decision
from .attempt import Attempt

#: The reason of an interruption that the next server writes down.
GONE: Final = "the server went away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Hold how a session was started; kept beside its events."""

    topic: str
    researcher: str
    options: Mapping[str, Any]
    #: "ask" or "auto".
    approve: str
    #: Whether the researcher begins with a plan; kept, for it may be gone from the configuration one day.
    plans: bool = False
    notebook: str | None = None
    guest: bool = False
    key: str | None = None
    #: The state of the files at the start, where a key was given.
    fingerprint: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the stored object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """Read the stored object."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Remember the last command that was committed, so that its repetition changes nothing."""

    action: str
    version: int | None = None
    content: Any = None


@dataclass(slots=True, eq=False)
class Job:
    """Be one session in the manager's hands. Its lock is the manager's."""

    log: SessionLog
    owner: str
    record: Record
    state: State = State.QUEUED
    version: int = 0
    #: The latest proposal as it was made.
    proposal: Any = None
    attempt: int = 1
    #: What the next stretch of work is told.
    decision: Decision | None = None
    #: Proposals approved so far, in order: a function that runs anew gets them as its answers.
    approved: list[Any] = field(default_factory=list)
    last: Command | None = None
    #: The attempt whose thread runs or is held; None between two.
    running: Attempt | None = None
    #: The thread of the newest attempt; a resume waits for it.
    thread: threading.Thread | None = None
    #: Wakes a function that waits for its approval.
    decided: threading.Event = field(default_factory=threading.Event)
    #: Seconds of the stretches of work that are over, and when the present one began.
    worked: float = 0.0
    since: float | None = None

    @property
    def plans(self) -> bool:
        """Tell whether the researcher begins with a plan that a person may be asked to approve."""
        return self.record.plans

    @property
    def phase(self) -> State:
        """Name the state that work leads to: planning until a proposal is approved."""
        planning = self.plans and (self.decision is None or self.decision.proposal is None)
        return State.PLANNING if planning else State.RESEARCHING

    def enter(self, state: State) -> None:
        """Be in another state, and keep account of the time at work."""
        now = time.monotonic()
        if self.since is not None:
            self.worked += now - self.since
        self.state, self.since = state, now if state.working else None

    @property
    def seconds(self) -> float:
        """Count the seconds at work so far."""
        return self.worked + (0.0 if self.since is None else time.monotonic() - self.since)

    def replay(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take over what the log says, after a restart."""
        before = None
        for event in events:
            detail, moment = event["detail"], datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
            if before is not None and self.state.working and detail.get("reason") != GONE:
                # A clock that was set back takes nothing off; when a killed server ended nobody knows.
                self.worked += max(0.0, (moment - before).total_seconds())
            before = moment
            self.state = State(detail["state"])
            self.attempt = detail.get("attempt", self.attempt)
            self._take(Kind(event["kind"]), detail)

    def _take(self, kind: Kind, detail: Mapping[str, Any]) -> None:
        if kind is Kind.APPROVAL_REQUESTED:
            self.version, self.proposal = detail["version"], detail["proposal"]
            self.decision = None
        elif kind is Kind.RESEARCH_APPROVED:
            self.approve(detail["version"], detail["proposal"])
        elif kind is Kind.MODIFICATION_STARTED:
            self.modify(detail["version"], detail["feedback"])
        elif kind is Kind.RESEARCH_PAUSED:
            self.last = Command(action="pause")
        elif kind is Kind.RESEARCH_RESUMED:
            self.last = Command(action="resume")

    def approval(self, version: int, edited: Any) -> Command:
        """Name the command that approves `edited`, or the proposal as it stands where that is None."""
        content = None if edited == self.proposal else edited
        return Command(action="approve", version=version, content=content)

    def approve(self, version: int, proposal: Any) -> None:
        """Take note of an approval."""
        self.last = self.approval(version, proposal)
        self.version = version
        self.decision = Decision(proposal=proposal)
        self.approved.append(proposal)

    def modify(self, version: int, feedback: str) -> None:
        """Take note of a wish."""
        self.decision = Decision(feedback=feedback)
        self.last = Command(action="modify", version=version, content=feedback)
