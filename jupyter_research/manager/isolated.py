"""Be the process of one local-only session: without a network where that can be, guarded in any case.

Lines of JSON. The parent sends the work, then `answer` to what this process asks, and `drain` at a pause;
at a cancel it kills. This process asks `status`, `checkpoint` and `approval`; last it says `outcome` or
`failed`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..carry import carriers
from ..context import Binding, attempt_context
from ..errors import ResearchError
from ..guard import Restraint, leave_network, watch
from ..work import Control, Decision, Drained, Finished, Outcome, Place, Proposed, Work


def to_json(work: Work) -> dict[str, Any]:
    """Give the object that describes an attempt to its process."""
    place, decision = work.place, work.decision
    return {
        "session_id": work.session_id,
        "attempt": work.attempt,
        "topic": work.topic,
        "options": dict(work.options),
        "owner": work.owner,
        "folder": str(work.folder),
        "place": {
            "root": None if place.root is None else str(place.root),
            "folder": str(place.folder),
            "libraries": {name: str(path) for name, path in place.libraries.items()},
            "guest": place.guest,
        },
        "decision": decision and {"proposal": decision.proposal, "feedback": decision.feedback},
    }


def from_json(data: Mapping[str, Any], control: Control) -> Work:
    """Read that object."""
    place, decision = data["place"], data["decision"]
    return Work(
        **{name: data[name] for name in ("session_id", "attempt", "topic", "options", "owner")},
        folder=Path(data["folder"]),
        place=Place(
            root=None if place["root"] is None else Path(place["root"]),
            folder=Path(place["folder"]),
            libraries={name: Path(path) for name, path in place["libraries"].items()},
            guest=place["guest"],
            owner=data["owner"],
        ),
        control=control,
        decision=None if decision is None else Decision(**decision),
    )


class Parent:
    """Speak to the process that holds the log; the sink of everything that happens here."""

    closed = False

    def __init__(self, control: Control) -> None:
        self._lock = threading.Lock()
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._control = control
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        # What a researcher prints must not get between the lines.
        os.dup2(2, 1)

    def listen(self) -> None:
        """Take what comes, in a thread; without a parent there is nothing left to do."""
        for line in sys.stdin:
            told = json.loads(line)
            if "drain" in told:
                self._control.request_drain()
            else:
                self._answers.put(told["answer"])
        os._exit(1)

    def say(self, **said: Any) -> None:
        """Send one line."""
        self._out.write(json.dumps(said) + "\n")
        self._out.flush()

    def ask(self, **asked: Any) -> Any:
        """Send one line and wait for its answer: a pause holds the code here."""
        with self._lock:
            self.say(**asked)
            return self._answers.get()

    def status(self, message: Any, status: Any) -> None:
        """Record an update; see `context.Sink`."""
        self.ask(status=[_plain(message), _plain(status)])

    def checkpoint(self) -> None:
        """Give way; see `context.Sink`."""
        self.ask(checkpoint=True)

    def approval(self, question: str, proposal: Any) -> Any:
        """Ask a person; see `context.Sink`."""
        return self.ask(approval=[question, proposal])


def _plain(value: Any) -> Any:
    """Give what JSON takes of an update."""
    return json.loads(json.dumps(value, default=str))


def main() -> None:
    """Work, and say what came of it."""
    given = json.loads(sys.stdin.readline())
    reason = leave_network()
    control, restraint = Control(), Restraint()
    parent = Parent(control)
    threading.Thread(target=parent.listen, daemon=True).start()
    carriers.install()
    work = from_json(given["work"], control)
    binding = Binding(session_id=work.session_id, attempt=work.attempt, sink=parent, restraint=restraint)
    ended: dict[str, Any]
    try:
        with attempt_context(binding), watch.over(restraint):
            ended = {"outcome": _outcome(_researcher(given).run(work))}
    except ResearchError as error:
        ended = {"failed": error.to_json()}
    except BaseException as error:
        ended = {"failed": {"error": f"{type(error).__name__}: {error}", "code": "researcher_failed"}}
    parent.say(**ended, network=reason, refused=restraint.counts, what=restraint.what)
    # Threads that the session has left behind have nobody to speak to any more.
    os._exit(0)


def _researcher(given: Mapping[str, Any]) -> Any:
    if given["target"] is None:
        from ..analysts import Analysts

        return Analysts(indexes=Path(given["indexes"]), local_only=True)
    from ..researchers import load

    return load(given["name"], given["target"])


def _outcome(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Finished):
        return {"report": outcome.report.to_json()}
    if isinstance(outcome, Proposed):
        return {"question": outcome.question, "proposal": outcome.proposal}
    assert isinstance(outcome, Drained)
    return {"drained": True}
