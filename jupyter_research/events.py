"""State what an event is, and how events add up to the state of a session.

A session's log is the truth; the snapshot is `reduce` over it. The same function
stands in TypeScript (`labextension/src/reduce.ts`); a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypedDict

#: What one update may take in the log, in bytes of JSON.
MAX_UPDATE_BYTES: Final = 64 * 1024

#: How deep a status may nest before the rest is written as text.
MAX_DEPTH: Final = 32

Snapshot = dict[str, Any]


class State(StrEnum):
    """Name the states of a session."""

    QUEUED = "queued"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    RESEARCHING = "researching"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def working(self) -> bool:
        """Tell whether a session in this state holds a slot."""
        return self in (State.PLANNING, State.RESEARCHING)

    @property
    def finished(self) -> bool:
        """Tell whether a session in this state has come to an end."""
        return self in (State.COMPLETED, State.CANCELLED, State.FAILED)


class Kind(StrEnum):
    """Name the kinds of events."""

    SESSION_STARTED = "session_started"
    WORK_STARTED = "work_started"
    STATUS_UPDATE = "status_update"
    APPROVAL_REQUESTED = "approval_requested"
    MODIFICATION_STARTED = "modification_started"
    RESEARCH_APPROVED = "research_approved"
    RESEARCH_PAUSED = "research_paused"
    RESEARCH_RESUMED = "research_resumed"
    RESEARCH_INTERRUPTED = "research_interrupted"
    RESEARCH_COMPLETED = "research_completed"
    RESEARCH_CANCELLED = "research_cancelled"
    RESEARCH_FAILED = "research_failed"


#: Keys of a status that are the session's own to set.
_RESERVED: Final = frozenset({"session_id", "seq", "time", "kind", "state", "message", "detail"})


class StatusFields(TypedDict):
    """Hold the fields of an event that a status update gives."""

    step: str | None
    step_number: int | None
    message: str | None
    done: float | None
    total: float | None
    detail: dict[str, Any]


def utc_now() -> str:
    """Give the time as the log writes it: UTC, milliseconds, `Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_fields(message: Any, status: Any = None) -> StatusFields:
    """Sort what research code gave into the fields of an event.

    `step`, `step_number`, `done` and `total` become fields when they are of the right
    type and stay in `detail` otherwise. Never raises: what is no dict is noted.
    """
    detail: dict[str, Any] = {}
    step = step_number = done = total = None
    if type(status) is dict or isinstance(status, Mapping):
        # Taken out of a copy rather than sorted key by key: this runs for every update.
        detail = dict(status)
        if not _RESERVED.isdisjoint(detail):
            detail = {key: value for key, value in detail.items() if key not in _RESERVED}
        if "step" in detail and isinstance(detail["step"], str):
            step = detail.pop("step")
        if "step_number" in detail and type(detail["step_number"]) is int:
            step_number = detail.pop("step_number")
        if "done" in detail and _is_amount(detail["done"]):
            done = detail.pop("done")
        if "total" in detail and _is_amount(detail["total"]):
            total = detail.pop("total")
        given = status.get("detail")
        if given is not None:
            detail.update(given if isinstance(given, Mapping) else {"detail": given})
        if message is None:
            message = status.get("message")
    elif status is not None:
        detail["status"] = status
        add_note(detail, f"The status was a {type(status).__name__}, not a dict.")
    if message is not None and type(message) is not str:
        if not isinstance(message, str):
            add_note(detail, "The message was no text.")
        message = safe_text(message)
    return {
        "step": step,
        "step_number": step_number,
        "message": message,
        "done": done,
        "total": total,
        "detail": detail,
    }


def add_note(detail: dict[str, Any], note: str) -> None:
    """Add a sentence to `detail["notes"]`, whatever stands there."""
    notes = detail.get("notes")
    if not isinstance(notes, list):
        notes = [] if notes is None else [notes]
    detail["notes"] = [*notes, note]


def safe_text(value: Any) -> str:
    """Give a text of `value` that UTF-8 can hold, whatever its `__str__` does."""
    try:
        text = str(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text.encode("utf-8", "replace").decode("utf-8")


def safe_json(value: Any, depth: int = 0) -> tuple[Any, bool]:
    """Give a JSON-able form of `value`, and whether anything had to be changed."""
    if value is None or isinstance(value, bool):
        return value, False
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode("utf-8")
        return text, text != value
    if isinstance(value, int):
        return (int(value), False) if -(2**63) <= value < 2**64 else (safe_text(value), True)
    if isinstance(value, float):
        return (float(value), False) if math.isfinite(value) else (safe_text(value), True)
    if depth >= MAX_DEPTH:
        return f"<{type(value).__name__}>", True
    if isinstance(value, Mapping):
        return _safe_mapping(value, depth)
    if isinstance(value, (list, tuple)):
        pairs = [safe_json(item, depth + 1) for item in value]
        return [item for item, _ in pairs], any(changed for _, changed in pairs)
    if isinstance(value, (set, frozenset)):
        return [safe_json(item, depth + 1)[0] for item in value], True
    return safe_text(value), True


def _safe_mapping(value: Mapping[Any, Any], depth: int) -> tuple[dict[str, Any], bool]:
    result: dict[str, Any] = {}
    changed = False
    for key, item in value.items():
        name = key if type(key) is str else safe_text(key)
        name = name.encode("utf-8", "replace").decode("utf-8")
        result[name], item_changed = safe_json(item, depth + 1)
        changed = changed or item_changed or name != key
    return result, changed


def _is_amount(value: Any) -> bool:
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, (int, float))):
        return False
    return 0 <= value < 2**53  # No for NaN and infinity.


def initial(session_id: str) -> Snapshot:
    """Give the state of a session that has no event yet."""
    return {
        "session_id": session_id,
        "topic": "",
        "state": State.QUEUED.value,
        "owner": None,
        "researcher": None,
        "options": {},
        "approve": None,
        "question": None,
        "version": 0,
        "proposal": None,
        "analysts": [],
        "done": None,
        "total": None,
        "step": None,
        "message": None,
        "last_seq": 0,
        "created": None,
        "updated": None,
        "usage": {},
        "error": None,
        "limitations": [],
        "notebook": None,
        "attempt": 0,
        "report_available": False,
    }


def reduce(state: Snapshot, event: Mapping[str, Any]) -> Snapshot:
    """Give the state after `event`; `state` itself stays as it is.

    An event at or before `state["last_seq"]` changes nothing, so that replay and
    live delivery may overlap.
    """
    if event["seq"] <= state["last_seq"]:
        return state
    detail: Mapping[str, Any] = event["detail"]
    new = {**state, "last_seq": event["seq"], "updated": event["time"]}
    for name in ("step", "message", "done", "total"):
        if event[name] is not None:
            new[name] = event[name]
    kind = event["kind"]
    if kind == Kind.STATUS_UPDATE.value:
        if isinstance(detail.get("usage"), Mapping):
            new["usage"] = detail["usage"]
        if "analyst" in detail:
            new["analysts"] = _analysts_after(state["analysts"], event)
        return new
    new["state"] = detail["state"]
    _REDUCERS[kind](new, event, detail)
    return new


def reduce_all(state: Snapshot, events: Iterable[Mapping[str, Any]]) -> Snapshot:
    """Give the state after all of `events`."""
    for event in events:
        state = reduce(state, event)
    return state


def phase(snapshot: Snapshot) -> str:
    """Say in a few words how far a session is."""
    state = str(snapshot["state"]).replace("_", " ")
    if snapshot["total"] and not State(snapshot["state"]).finished:
        return f"{state}, {snapshot['done'] or 0:g} of {snapshot['total']:g}"
    return state


def _started(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    new["created"] = event["time"]
    for name in ("topic", "researcher", "options", "owner", "notebook", "attempt", "approve"):
        if name in detail:
            new[name] = detail[name]


def _attempt(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    new["attempt"] = detail.get("attempt", new["attempt"])
    new["error"] = None


def _proposed(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    new["version"] = detail["version"]
    new["proposal"] = detail["proposal"]
    new["question"] = detail.get("question")
    new["analysts"] = _analysts_of(detail["proposal"], new["analysts"])


def _approved(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    _proposed(new, event, detail)
    new["question"] = None


def _modified(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    new["question"] = None


def _ended(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    new["report_available"] = bool(detail.get("report_available"))
    new["limitations"] = detail.get("limitations") or []
    new["question"] = None
    new["error"] = None


def _failed(new: Snapshot, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    new["error"] = {"code": detail.get("code"), "message": detail.get("cause")}
    new["question"] = None


_REDUCERS: Final = {
    Kind.SESSION_STARTED.value: _started,
    Kind.WORK_STARTED.value: _attempt,
    Kind.APPROVAL_REQUESTED.value: _proposed,
    Kind.MODIFICATION_STARTED.value: _modified,
    Kind.RESEARCH_APPROVED.value: _approved,
    Kind.RESEARCH_PAUSED.value: _attempt,
    Kind.RESEARCH_RESUMED.value: _attempt,
    Kind.RESEARCH_INTERRUPTED.value: _attempt,
    Kind.RESEARCH_COMPLETED.value: _ended,
    Kind.RESEARCH_CANCELLED.value: _ended,
    Kind.RESEARCH_FAILED.value: _failed,
}


def _analysts_of(proposal: Any, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the analysts of a proposal, each with the progress it already had."""
    given = proposal.get("analysts") if isinstance(proposal, Mapping) else None
    if not isinstance(given, list):
        return before
    # A researcher of one's own may propose anything: only a text can be looked up.
    known = {analyst["id"]: analyst for analyst in before if isinstance(analyst["id"], str)}
    fresh = {"step": None, "done": None, "total": None, "state": "waiting", "failed": None}
    result = []
    for analyst in given:
        if not isinstance(analyst, Mapping):
            continue
        name = analyst.get("id")
        progress = known.get(name, fresh) if isinstance(name, str) else fresh
        facts = {name: analyst.get(name) for name in ("id", "name", "role", "affiliation", "description")}
        result.append({**facts, **{name: progress[name] for name in fresh}})
    return result


def _analysts_after(analysts: list[dict[str, Any]], event: Mapping[str, Any]) -> list[dict[str, Any]]:
    detail = event["detail"]
    return [_analyst_after(item, event) if item["id"] == detail["analyst"] else item for item in analysts]


def _analyst_after(analyst: dict[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    detail = event["detail"]
    new = {**analyst, "state": "working", "failed": None}
    if event["step"] is not None:
        new["step"] = event["step"]
    if _is_amount(detail.get("analyst_done")):
        new["done"] = detail["analyst_done"]
    if _is_amount(detail.get("analyst_total")):
        new["total"] = detail["analyst_total"]
    if detail.get("failed"):
        new["state"] = "failed"
        new["failed"] = detail["failed"]
    elif new["total"] and new["done"] is not None and new["done"] >= new["total"]:
        new["state"] = "done"
    return new
