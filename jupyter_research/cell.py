"""Show a session in a cell: an output that a thread of the kernel keeps true.

The labextension draws the output and asks the server by itself. Where nobody views the session after a
moment, the front end has no labextension: then an anywidget follows, fed from the kernel.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from . import errors, widgets
from .client import Session
from .client.base import Events
from .client.discovery import parent_server
from .events import Snapshot, State
from .export import card

log = logging.getLogger(__name__)

#: Seconds after which a session without a viewer gets a widget.
LOOK_AFTER = 2.0

#: Seconds in which a viewer may still come and take the widget's place.
LATE = 10

#: Seconds between two updates of an output that nobody else draws, of a terminal, and of a widget.
TEXT_PACE, TERMINAL_PACE, WIDGET_PACE = 1.0, 2.0, 0.25

#: Seconds after which a server that is gone is given up.
GIVE_UP = 600.0


def show(session: Session, *, alone: bool = False) -> SessionOutput | None:
    """Show `session` in the cell that runs now; None outside IPython.

    Args:
        session: the session.
        alone: there is nobody at the other end who could press a button.
    """
    shell = running_shell()
    if shell is None:
        return None
    output = SessionOutput(session, shell, alone=alone)
    output.open()
    session.shown_in = run_of(shell)
    return output


def show_once(session: Session) -> None:
    """Show `session` where the cell that runs now has not shown it yet."""
    shell = running_shell()
    if shell is not None and session.shown_in != run_of(shell):
        show(session)


def in_console(shell: Any) -> bool:
    """Tell whether the kernel's front end is a console, which prints what comes and updates nothing.

    Notebooks name the cell that they run; what they are served by has a file of its own.
    """
    if not hasattr(shell, "kernel") or "google.colab" in sys.modules:
        return False
    known = (shell.get_parent().get("metadata") or {}).get("cellId")
    return not known and getattr(shell.kernel, "_allow_stdin", True) and parent_server() is None


def show_start(body: Mapping[str, Any]) -> None:
    """Show the card whose Start button lets the browser start a session."""
    shell = running_shell()
    if shell is not None:
        shell.display_pub.publish(card.start_bundle(body), {})


def running_shell() -> Any:
    """Give the IPython that runs this code, or None."""
    # Where it runs it has been imported: a plain script does not pay for it.
    interactive = sys.modules.get("IPython.core.interactiveshell")
    if interactive is None or not interactive.InteractiveShell.initialized():
        return None
    return interactive.InteractiveShell.instance()


def run_of(shell: Any) -> str:
    """Name the run of the cell that is under way."""
    if hasattr(shell, "kernel"):
        return str(shell.get_parent().get("header", {}).get("msg_id"))
    return str(shell.execution_count)


class SessionOutput:
    """Keep one output of one cell true until its session ends."""

    def __init__(self, session: Session, shell: Any, *, alone: bool = False) -> None:
        self.session = session
        #: Set when the output shows how the session ended, or will not be updated any more.
        self.done = threading.Event()
        self._shell = shell
        self._alone = alone
        self._terminal = not hasattr(shell, "kernel")
        self._console = in_console(shell)
        self._parent = None if self._terminal else shell.get_parent()
        self._display_id = uuid4().hex
        self._shown: tuple[str, float] = ("", 0.0)
        self._widget: Any = None
        #: Held while a widget is fed: by the thread that follows, and by the one that has made it.
        self._feeding = threading.Lock()
        # Whether this output alone tells how the session gets on; known once somebody could have come.
        self._only = alone or self._terminal

    def open(self) -> None:
        """Display the session, and follow it from a thread of its own while it goes on."""
        snapshot = self.session.known
        self._publish(snapshot, update=False)
        if State(snapshot["state"]).finished:
            self.done.set()
            return
        threading.Thread(target=self._follow, name=f"research-{self.session.id[:8]}", daemon=True).start()
        if not self._alone and not self._terminal and not self._console:
            timer = threading.Timer(LOOK_AFTER, self._offer_widget)
            timer.daemon = True
            timer.start()

    def _follow(self) -> None:
        with self._in_cell():
            try:
                self._follow_to_the_end()
            except errors.ResearchError as error:
                log.info("The output of session %s is no longer updated: %s", self.session.id, error)
            finally:
                self.done.set()

    def _follow_to_the_end(self) -> None:
        seen, delay = time.monotonic(), 1.0
        while True:
            try:
                for snapshot, events in self.session.follow():
                    seen, delay = time.monotonic(), 1.0
                    self._update(snapshot, events)
                return
            except errors.ServerNotFound:
                # It may be on its way up again; the session itself lives on its disk.
                if time.monotonic() - seen > GIVE_UP:
                    raise
                time.sleep(delay)
                delay = min(30.0, delay * 2)

    def _update(self, snapshot: Snapshot, events: Events) -> None:
        state, at = self._shown
        with self._feeding:
            if self._widget is not None and events:
                widgets.feed(self._widget, snapshot, events)
        pace = TERMINAL_PACE if self._terminal else TEXT_PACE
        due = self._only and events and time.monotonic() - at >= pace
        if snapshot["state"] != state or due:
            self._publish(snapshot, update=True)
        if not State(snapshot["state"]).finished:
            # What happens meanwhile comes together: a fast session must not keep the kernel busy.
            time.sleep(TEXT_PACE if self._widget is None else WIDGET_PACE)

    def _publish(self, snapshot: Snapshot, *, update: bool) -> None:
        self._shown = (snapshot["state"], time.monotonic())
        if self._console and update:
            self._put({"text/plain": card.line(snapshot)}, {}, uuid4().hex)
            return
        report = self.session.report if snapshot["report_available"] else None
        data = card.bundle(
            snapshot,
            where=self.session.client.where,
            report=report,
            markdown=report.text if report else "",
        )
        self._put(data, {}, self._display_id, update=update)

    def _offer_widget(self) -> None:
        with self._in_cell():
            try:
                snapshot = self.session.snapshot
            except errors.ResearchError as error:
                log.info("Session %s gets no widget: %s", self.session.id, error)
                return
            if snapshot.get("viewers") or State(snapshot["state"]).finished:
                return
            if not widgets.available():
                self._only = True
                return
            widget = widgets.session_widget(self.session)
            data, metadata = widget._repr_mimebundle_()
            place = uuid4().hex
            # Where widgets are unknown the output above says it all: nothing stands here then.
            self._put({**data, "text/plain": ""}, metadata, place)
            self._feed_from_now_on(widget)
            if self._viewed_late():
                self._widget = None
                widget.close()
                self._put({"text/plain": ""}, {}, place, update=True)

    def _feed_from_now_on(self, widget: Any) -> None:
        with self._feeding:
            self._widget = widget
            try:
                # The session went on meanwhile: of its end nobody would tell again.
                widgets.catch_up(widget, self.session)
            except errors.ResearchError as error:
                log.info(
                    "The widget of session %s could not be brought up to date: %s", self.session.id, error
                )

    def _viewed_late(self) -> bool:
        """Tell whether the labextension has come after all: a page under load takes its time.

        The session may have ended by then: two cards of it would stay in the cell.
        """
        for _ in range(LATE):
            time.sleep(1.0)
            try:
                if self.session.snapshot.get("viewers"):
                    return True
            except errors.ResearchError:
                return False
        return False

    def _put(
        self, data: dict[str, Any], metadata: dict[str, Any], display_id: str, *, update: bool = False
    ) -> None:
        """Publish a bundle as an output of this cell, whichever cell runs now."""
        publisher, transient = self._shell.display_pub, {"display_id": display_id}
        if self._parent is None or hasattr(self._shell, "set_thread_parent"):
            publisher.publish(data, metadata, transient=transient, update=update)
            return
        # Before ipykernel 7 all threads share one parent, that of the newest cell.
        kind = "update_display_data" if update else "display_data"
        content = {"data": data, "metadata": metadata, "transient": transient}
        publisher.session.send(
            publisher.pub_socket, kind, content, parent=self._parent, ident=publisher.topic
        )

    @contextmanager
    def _in_cell(self) -> Iterator[None]:
        """Let what this thread publishes belong to the cell, not to the one that runs just now."""
        if self._parent is None or not hasattr(self._shell, "set_thread_parent"):
            yield
            return
        tokens = self._shell.set_thread_parent(self._parent)
        try:
            yield
        finally:
            self._shell.reset_thread_parent(tokens)
