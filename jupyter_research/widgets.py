"""Draw sessions in front ends without the labextension: a widget that the kernel feeds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import errors
from .client import Session
from .client.base import Events
from .events import Snapshot, utc_now
from .export import card

_SCRIPT = Path(__file__).parent / "static" / "widget.js"

#: How many of the latest events a widget holds.
_TAIL = 40


def available() -> bool:
    """Tell whether this environment can make widgets."""
    return find_spec("anywidget") is not None and _SCRIPT.exists()


def session_widget(session: Session) -> Any:
    """Make the anywidget of a session; buttons pressed in it go through the session's client."""
    import anywidget
    import traitlets

    class SessionWidget(anywidget.AnyWidget):
        """Draw a session in a front end without the labextension."""

        _esm = _SCRIPT
        # While the widget lives, the output that is saved with the notebook would say everything twice.
        _css = card.hidden(session.id)
        snapshot = traitlets.Dict().tag(sync=True)
        events: Any = traitlets.List().tag(sync=True)
        report = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
        command = traitlets.Dict().tag(sync=True)
        error = traitlets.Unicode().tag(sync=True)
        notice = traitlets.Unicode().tag(sync=True)

    # Front ends keep one style for each name.
    SessionWidget.__name__ = f"SessionWidget{session.id}"
    snapshot = session.snapshot
    first = max(0, snapshot["last_seq"] - _TAIL)
    events, _ = session.client.events(session.id, after=first, limit=_TAIL)
    notice = card.IN_KERNEL if session.client.where == "kernel" else ""
    widget = SessionWidget(snapshot=snapshot, events=events, notice=notice)
    widget.observe(lambda change: obey(widget, session, change["new"]), "command")
    return widget


def feed(widget: Any, snapshot: Snapshot, events: Events) -> None:
    """Hand a widget what has happened; its events stay without holes."""
    with widget.hold_sync():
        widget.events = [*widget.events, *events][-_TAIL:] if len(events) < _TAIL else events[-_TAIL:]
        widget.snapshot = snapshot


def obey(widget: Any, session: Session, command: Mapping[str, Any]) -> None:
    """Do what a button of the widget asks for; the widget waits for a new snapshot, a report or an error."""
    body = command.get("body") or {}
    client, action = session.client, command.get("action")
    try:
        if action == "report":
            report = session.partial_report() if body.get("partial") else session.report
            widget.report = report.to_json()
            return
        if action == "approve":
            client.approve(session.id, body["version"], body.get("proposal"))
        elif action == "modify":
            client.modify(session.id, body["version"], body["feedback"])
        elif action in ("pause", "resume", "cancel"):
            getattr(client, action)(session.id)
        # The time makes it differ where nothing else does, so that the widget sees an answer.
        widget.snapshot = {**session.snapshot, "as_of": utc_now()}
    except errors.ResearchError as error:
        widget.error = str(error)
