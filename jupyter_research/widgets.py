"""Draw sessions in front ends without the labextension: a widget that the kernel feeds."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from . import errors
from .client import Client, Session
from .client.base import Events
from .events import Snapshot
from .export import FORMATS, card

log = logging.getLogger(__name__)

_SCRIPT = Path(__file__).parent / "static" / "widget.js"

#: How many of the latest events a widget holds.
_TAIL = 40

#: Held while a widget is handed something: the thread that follows its session and those that answer its
#: buttons look first whether it is newer.
_HANDING: Final = threading.Lock()

#: What changes a session; each gives the new snapshot.
_COMMANDS: Final[Mapping[str, Callable[[Client, str, Mapping[str, Any]], Snapshot]]] = MappingProxyType(
    {
        "approve": lambda client, key, body: client.approve(key, body["version"], body.get("proposal")),
        "modify": lambda client, key, body: client.modify(key, body["version"], body["feedback"]),
        "pause": lambda client, key, body: client.pause(key),
        "resume": lambda client, key, body: client.resume(key),
        "cancel": lambda client, key, body: client.cancel(key),
    }
)


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
        notice = traitlets.Unicode().tag(sync=True)

    # Front ends keep one style for each name.
    SessionWidget.__name__ = f"SessionWidget{session.id}"
    snapshot = session.snapshot
    first = max(0, snapshot["last_seq"] - _TAIL)
    events, _ = session.client.events(session.id, after=first, limit=_TAIL)
    notice = card.IN_KERNEL if session.client.where == "kernel" else ""
    widget = SessionWidget(snapshot=snapshot, events=events, notice=notice)
    widget.on_msg(lambda _, request, buffers: take(widget, session, request))
    return widget


def feed(widget: Any, snapshot: Snapshot, events: Events) -> None:
    """Hand a widget what has happened; its events stay without holes, and what it has it keeps."""
    with _HANDING, widget.hold_sync():
        fresh = [event for event in events if event["seq"] > _newest(widget)]
        if fresh:
            widget.events = [*widget.events, *fresh][-_TAIL:] if len(fresh) < _TAIL else fresh[-_TAIL:]
        if snapshot["last_seq"] >= widget.snapshot["last_seq"]:
            widget.snapshot = snapshot


def catch_up(widget: Any, session: Session) -> None:
    """Hand a widget what has happened while it was made, when nobody could feed it."""
    events = session.events(after=_newest(widget))
    feed(widget, session.snapshot, events)


def _newest(widget: Any) -> int:
    return int(widget.events[-1]["seq"]) if widget.events else 0


def take(widget: Any, session: Session, request: Mapping[str, Any]) -> None:
    """Take a request of the widget, `{"id", "action", "body"}`, and answer it from a thread of its own.

    The kernel stays free meanwhile: an export or an answer takes its time.
    """
    widget.send({"id": request["id"], "taken": True})
    threading.Thread(target=_answer, args=(widget, session, request), daemon=True).start()


def _answer(widget: Any, session: Session, request: Mapping[str, Any]) -> None:
    name, action, body = request["id"], request["action"], request.get("body") or {}
    try:
        answer, buffers = _obey(session, action, body), []
        if isinstance(answer, bytes):
            answer, buffers = f"report{FORMATS[body['format']].suffix}", [answer]
        if action in _COMMANDS:
            # Not as it is: the thread that follows may have told of what came of it already.
            feed(widget, answer, [])
    except errors.ResearchError as error:
        widget.send({"id": name, "error": str(error)})
    except Exception as error:
        # Whoever pressed the button waits for an answer, without an end.
        log.exception("A request of the widget of session %s failed", session.id)
        widget.send({"id": name, "error": f"{type(error).__name__}: {error}"})
    else:
        widget.send({"id": name, "answer": answer}, buffers)


def _obey(session: Session, action: str, body: Mapping[str, Any]) -> Any:
    """Do what a button asks for; what cannot be is refused as the server does."""
    client, key, partial = session.client, session.id, bool(body.get("partial"))
    if action in _COMMANDS:
        return _COMMANDS[action](client, key, body)
    if action == "download":
        return client.report(key, str(body.get("format")), partial=partial)
    if action == "report":
        return json.loads(client.report(key, "json", partial=partial))
    if action == "events":
        return client.events(key, after=body["after"], limit=body["limit"])[0]
    if action == "source":
        return client.source(key, str(body.get("source")))
    if action == "ask":
        return client.ask(key, str(body.get("question")))
    raise errors.InvalidRequest(f"There is no action {action}.")
