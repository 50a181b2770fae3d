"""Show on a terminal, in a log or as JSON what a session is doing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..events import Snapshot, State
from ..export.plain import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Event = Mapping[str, Any]

#: Seconds between two lines about the same step in a log.
_PAUSE: Final = 1.0


class Display(Protocol):
    """Draw what a session is doing; used as a `with`, so that a terminal is left in order."""

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Draw the state, and what has happened since the last time."""


def display(*, as_json: bool) -> Display:
    """Choose the display that suits where the output goes."""
    if as_json:
        return JsonLines()
    return Bars() if sys.stderr.isatty() else Lines()


class Quiet:
    """Need no cleaning up."""

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Draw nothing."""


class JsonLines(Quiet):
    """Print each event as one line of JSON."""

    def show(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Print the events."""
        for event in events:
            print(json.dumps(event), flush=True)


class Lines(Quiet):
    """Print plain lines, of one step at most one a second."""

    def __init__(self) -> None:
        self._last = ""
        self._step: tuple[Any, Any] = (None, None)
        self._time = 0.0

    def show(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Print the events that say something new."""
        for event in events:
            text = sentence(event, snapshot)
            if text and text != self._last and self._due(event):
                print(text, file=sys.stderr, flush=True)
                self._last = text

    def _due(self, event: Event) -> bool:
        step = (event["step"], event["detail"].get("analyst"))
        now = time.monotonic()
        due = step != self._step or event["done"] == event["total"] or now - self._time >= _PAUSE
        if due:
            self._step, self._time = step, now
        return due


class Bars(Quiet):
    """Draw a bar for the session and one for each analyst."""

    def __init__(self) -> None:
        self._bars: dict[str, TaskID] = {}
        self._progress = _progress()

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Move the bars."""
        state = State(snapshot["state"])
        finished = state.finished
        message = one_line(snapshot["message"] or "") if state.working else ""
        message = message or phase(snapshot)
        self._move("", message, *((1, 1) if finished else (snapshot["done"], snapshot["total"])))
        for analyst in snapshot["analysts"]:
            name = one_line(analyst["name"] or analyst["role"] or analyst["id"])
            done = (1, 1) if analyst["state"] == "done" else (analyst["done"], analyst["total"])
            self._move(str(analyst["id"]), f"  {name}", *done)

    def _move(self, key: str, text: str, done: float | None, total: float | None) -> None:
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(text, total=None)
        self._progress.update(self._bars[key], description=text, completed=done or 0, total=total or None)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    text = TextColumn(
        "{task.description}", markup=False, table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")
    )
    bar = BarColumn(bar_width=None, table_column=Column(ratio=1))
    console = Console(stderr=True, highlight=False)
    return Progress(text, bar, TaskProgressColumn(), TimeElapsedColumn(), console=console, expand=True)


def sentence(event: Event, snapshot: Snapshot) -> str:
    """Say in one line what an event says."""
    detail = event["detail"]
    message = one_line(event["message"] or "")
    if not message:
        return "" if event["kind"] == "status_update" else event["kind"].replace("_", " ").capitalize() + "."
    names = {item["id"]: item["name"] or item["role"] for item in snapshot["analysts"]}
    name = one_line(str(names.get(detail.get("analyst")) or ""))
    share = f"[{event['done']:g}/{event['total']:g}] " if event["done"] is not None and event["total"] else ""
    return f"{share}{message}" if message.startswith(name) else f"{share}{name}: {message}"


def phase(snapshot: Snapshot) -> str:
    """Say in words in which state a session is."""
    words = str(snapshot["state"]).replace("_", " ").capitalize()
    if snapshot["error"]:
        return f"{words}: {one_line(str(snapshot['error']['message']))}"
    return words
