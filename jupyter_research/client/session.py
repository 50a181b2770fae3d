"""Hold one session in the hand: what it is doing, its report, and what a person can tell it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .. import errors
from ..events import Snapshot, State, phase, reduce_all
from ..report import Report
from .base import Client, Events

#: How long one request for events may be held back, in seconds.
PATIENCE = 25.0

#: States that only a person can end.
_HELD = {
    State.PAUSED: "The session is paused: `.resume()` takes it up again.",
    State.INTERRUPTED: "The session was interrupted: `.resume()` takes it up where it was.",
}


@dataclass(frozen=True, kw_only=True)
class CellReport(Report):
    """Hold a finished report that renders in a cell."""

    #: The whole report as Markdown, sources included.
    text: str = ""

    def _repr_markdown_(self) -> str:
        return self.text

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.text)

    def __str__(self) -> str:
        return self.text


class Session:
    """Follow and command one research session. What it tells is always fresh."""

    def __init__(
        self, client: Client, snapshot: Snapshot, show: Callable[[Session], None] | None = None
    ) -> None:
        self.client = client
        #: The id that the session keeps for good.
        self.id: str = snapshot["session_id"]
        #: The topic as it was given.
        self.topic: str = snapshot["topic"]
        #: The state when this object was made; `snapshot` gives the present one.
        self.known = snapshot
        #: The run of the cell that has shown it last.
        self.shown_in: str | None = None
        self._show = show
        self._report: CellReport | None = None

    @property
    def snapshot(self) -> Snapshot:
        """Give the whole state as the server tells it now."""
        self.known = self.client.get(self.id)
        return self.known

    @property
    def state(self) -> str:
        """Name the present state."""
        return str(self.snapshot["state"])

    @property
    def report(self) -> CellReport:
        """Give the finished report.

        Raises:
            NotReady: before the end; the sentence names the state.
        """
        if self._report is None:
            snapshot = self.snapshot
            if not snapshot["report_available"]:
                raise errors.NotReady(_not_ready(snapshot))
            self._report = self._fetch()
        return self._report

    def partial_report(self) -> CellReport:
        """Give what a cancelled session of the built-in analysts had found, marked as the part that it is.

        Raises:
            WrongState: when it is not cancelled, or works by a function.
            NotReady: when it had found nothing.
        """
        return self._fetch(partial=True)

    def _fetch(self, *, partial: bool = False) -> CellReport:
        data = json.loads(self.client.report(self.id, "json", partial=partial))
        return _in_cell(data, self.client.report(self.id, "markdown", partial=partial).decode())

    @property
    def sources(self) -> Any:
        """Give the report's sources: a DataFrame where pandas is installed, else a list of records."""
        return table([source.to_json() for source in self.report.sources])

    @property
    def claims(self) -> Any:
        """Give the report's claims with verdict and sources, as `sources` does."""
        numbers = {source.id: source.number for source in self.report.sources}
        return table(
            [
                {
                    "id": claim.id,
                    "section": section.heading,
                    "text": claim.text,
                    "verdict": claim.verdict.value,
                    "missing": list(claim.missing),
                    "note": claim.note,
                    "sources": [numbers[citation.source] for citation in cited],
                    "quotes": [citation.quote for citation in cited],
                }
                for section in self.report.sections
                for claim in section.claims
                # As in the report's documents: what names no source of it is left out.
                for cited in [[one for one in claim.citations if one.source in numbers]]
            ]
        )

    def search(self, query: str, k: int = 20) -> Any:
        """Give the passages of the session's own library that fit best, with file, page and quote.

        Args:
            query: words; their endings do not matter.
            k: how many passages, 1 to 1000.

        Returns:
            a DataFrame where pandas is installed, else a list of records.
        """
        return table(self.client.search_session(self.id, query, k))

    def ask(self, question: str) -> CellReport:
        """Answer a further question with sentences of the session's library, word for word.

        No language model is asked, whatever model the session has.
        """
        answer = self.client.ask(self.id, question)
        return _in_cell(answer["report"], answer["markdown"])

    def wait(self, timeout: float | None = None) -> Session:
        """Wait for the end and return the session. Interrupting the wait leaves the session working.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            WaitsForApproval: it waits for a person, so that waiting on would never end.
            WrongState: it is paused or interrupted, for the same reason.
            TimeoutError: it did not end in time.
        """
        for snapshot, _ in self.follow(timeout):
            state = State(snapshot["state"])
            if state.finished:
                break
            if state is State.AWAITING_APPROVAL:
                raise errors.WaitsForApproval(
                    f"The session waits for approval: {snapshot.get('question') or 'look at its proposal'} "
                    "(`.approve()` or `.change('…')`)"
                )
            if state in _HELD:
                raise errors.WrongState(_HELD[state])
        return self

    def follow(self, timeout: float | None = None) -> Iterator[tuple[Snapshot, Events]]:
        """Give the state now, and after whatever happens with the events that led there, until the end.

        Args:
            timeout: seconds until `TimeoutError`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        snapshot = self.snapshot
        yield snapshot, []
        while not State(snapshot["state"]).finished:
            left = PATIENCE if deadline is None else min(PATIENCE, deadline - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"The session is still {phase(snapshot)} after {timeout:g} s.")
            events, _ = self.client.events(self.id, after=snapshot["last_seq"], limit=1000, wait=left)
            if events:
                snapshot = self.known = reduce_all(snapshot, events)
                yield snapshot, events
            elif left < 1:
                # The server counts whole seconds; what is left of the time passes here.
                time.sleep(min(left, 0.1))

    def approve(self, proposal: Any = None) -> None:
        """Approve the proposal, as edited when one is given."""
        self.client.approve(self.id, self.snapshot["version"], proposal)

    def change(self, feedback: str) -> None:
        """Ask for another proposal, in words."""
        self.client.modify(self.id, self.snapshot["version"], feedback)

    def pause(self) -> None:
        """Pause; `resume` goes on without redoing what is done."""
        self.client.pause(self.id)

    def resume(self) -> None:
        """Take the session up again."""
        self.client.resume(self.id)

    def cancel(self) -> None:
        """End the session now."""
        self.client.cancel(self.id)

    def delete(self) -> None:
        """Remove the session for good, with its report and its files; one at work is cancelled first."""
        self.client.delete(self.id)

    def events(self, after: int = 0) -> Events:
        """Give the events of the log past `after`."""
        result: Events = []
        while True:
            events, last = self.client.events(self.id, after=after, limit=1000)
            result += events
            if not events or events[-1]["seq"] >= last:
                return result
            after = events[-1]["seq"]

    def __repr__(self) -> str:
        return f"<Session {self.id[:8]}, {phase(self.known)}: {self.topic}>"

    def _ipython_display_(self) -> None:
        if self._show is None:
            print(repr(self))
        else:
            self._show(self)


def _in_cell(data: Mapping[str, Any], text: str) -> CellReport:
    plain = Report.from_json(data)
    return CellReport(**{name: getattr(plain, name) for name in Report.__dataclass_fields__}, text=text)


def partly_done(snapshot: Snapshot) -> bool:
    """Tell whether an analyst had come to an end: there is a part to report."""
    return any(analyst["state"] == "done" for analyst in snapshot["analysts"])


def _not_ready(snapshot: Snapshot) -> str:
    if snapshot["error"]:
        return f"The session has no report, it failed: {snapshot['error']['message']}"
    state, advice = State(snapshot["state"]), ""
    if state is State.COMPLETED:
        return " ".join(["The session was completed without a report.", *snapshot["limitations"]])
    if not state.finished:
        advice = "; `.wait()` waits for it"
    elif state is State.CANCELLED and partly_done(snapshot):
        advice = "; `.partial_report()` gives what it had found"
    return f"The session has no report, it is {phase(snapshot)}{advice}."


def table(records: Sequence[Mapping[str, Any]]) -> Any:
    """Give a DataFrame where pandas is installed, else the records; nobody else pays for the import."""
    if not find_spec("pandas"):
        return records
    frame = import_module("pandas").DataFrame(records)

    def bundle(**_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown = {"text/plain": repr(frame), "text/html": frame._repr_html_()}
        # The mark by which a notebook's outputs are told from evidence.
        return {kind: text for kind, text in shown.items() if text is not None}, {"jupyter_research": {}}

    # Past pandas, which takes an attribute for the beginning of a column.
    object.__setattr__(frame, "_repr_mimebundle_", bundle)
    return frame
