"""Run a session from its topic to its report."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from ..client import Client, Server
from ..errors import InvalidRequest
from ..events import Snapshot, State, initial
from ..export import FORMATS
from ..export.plain import one_line
from . import access, proposal
from .follow import RESTING, follow
from .progress import display, phase

#: The researchers that read files by their names, and that every process has.
_BUILT_IN: Final = ("analysts", "brief")

DEMO_TOPIC: Final = "how does a Jupyter server keep its users apart?"


def demo(arguments: Namespace) -> int:
    """Run a first session on our own documentation."""
    given = Namespace(topic=[DEMO_TOPIC], source=["example"], researcher=None, set=None)
    return run(Namespace(**{**vars(arguments), **vars(given)}))


def run(arguments: Namespace) -> int:
    """Start a session, follow it and give its report."""
    output_format(arguments)
    topic = _topic(arguments.topic)
    sources = arguments.source or []
    researcher = arguments.researcher or "analysts"
    server = None if _in_process(arguments) else _server(researcher, sources)
    names = sources if server is None else access.as_seen_by(server, sources)
    own = {researcher: researcher} if ":" in researcher else {}
    with access.of(server, own) as client:
        body = {
            "topic": topic,
            "researcher": researcher,
            "options": _options(arguments, names),
            "approve": _approve(arguments),
        }
        # From the first event on, however much has happened since.
        return finish(client, initial(client.start(body)["session_id"]), arguments)


def _server(researcher: str, sources: list[str]) -> Server | None:
    """Find the running server, if it reads these sources or alone knows the researcher."""
    server = access.running_server()
    if server is None or researcher not in _BUILT_IN or access.reads(server, sources):
        return server
    print(f"This is done here: the server at {server.url} reads other folders.", file=sys.stderr)
    return None


def finish(client: Client, snapshot: Snapshot, arguments: Namespace) -> int:
    """Follow a session to its end, ask where it asks, give its report and the exit code."""
    try:
        snapshot = _to_the_end(client, snapshot, arguments)
    except KeyboardInterrupt:
        _on_interrupt(client, snapshot)
        raise
    if State(snapshot["state"]) in RESTING:
        print(_what_now(snapshot), file=sys.stderr)
        return 1
    if snapshot["report_available"]:
        _deliver(client, snapshot, arguments)
    elif arguments.json:
        print(json.dumps({"snapshot": snapshot, "report": None}))
    if snapshot["report_available"] and State(snapshot["state"]) is State.COMPLETED:
        return 0
    print(" ".join([f"jupyter research: {phase(snapshot)}", *snapshot["limitations"]]), file=sys.stderr)
    return 1


def _to_the_end(client: Client, snapshot: Snapshot, arguments: Namespace) -> Snapshot:
    """Follow until the end or until only somebody elsewhere can help; a person here is asked."""
    while True:
        snapshot = _watch(client, snapshot, arguments)
        asks = State(snapshot["state"]) is State.AWAITING_APPROVAL and interactive() and not arguments.json
        if not asks or not proposal.decide(client, snapshot):
            return snapshot
        snapshot = client.get(snapshot["session_id"])


def _watch(client: Client, snapshot: Snapshot, arguments: Namespace) -> Snapshot:
    latest = snapshot
    with display(as_json=arguments.json) as screen:
        for latest, events in follow(client, snapshot):
            screen.show(latest, events)
            if State(latest["state"]) in RESTING and _nobody_else(client, latest):
                break
    return latest


def _nobody_else(client: Client, snapshot: Snapshot) -> bool:
    """Tell whether waiting on makes no sense: on a server somebody may approve in the notebook."""
    return client.where != "server" or (State(snapshot["state"]) is State.AWAITING_APPROVAL and interactive())


def interactive() -> bool:
    """Tell whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _on_interrupt(client: Client, snapshot: Snapshot) -> None:
    name = snapshot["session_id"][:8]
    if client.where == "server":
        print(
            f"\nThe session goes on in the server: `jupyter research tail {name}` follows it.",
            file=sys.stderr,
        )
    else:
        print(f"\nInterrupted: `jupyter research resume {name}` goes on from here.", file=sys.stderr)


def _what_now(snapshot: Snapshot) -> str:
    name = snapshot["session_id"][:8]
    if State(snapshot["state"]) is State.AWAITING_APPROVAL:
        return f"The session waits for approval: `jupyter research approve {name}`, or `cancel {name}`."
    return f"The session is {snapshot['state']}: `jupyter research resume {name}` takes it up again."


def _deliver(client: Client, snapshot: Snapshot, arguments: Namespace) -> None:
    """Give the report: into the file, or printed."""
    if arguments.json:
        report = json.loads(client.report(snapshot["session_id"], "json"))
        print(json.dumps({"snapshot": snapshot, "report": report}))
    if arguments.output or not arguments.json:
        write(client.report(snapshot["session_id"], output_format(arguments)), arguments.output)
    if arguments.output and not arguments.json:
        print(f"The report is in {one_line(arguments.output)}.", file=sys.stderr)


def output_format(arguments: Namespace) -> str:
    """Give the report's format: as named, else by the ending of the file, else Markdown."""
    chosen: str | None = arguments.format
    if chosen is None and arguments.output:
        fitting = [item.name for item in FORMATS.values() if arguments.output.lower().endswith(item.suffix)]
        if not fitting:
            raise InvalidRequest(
                f"The ending of {arguments.output} names no format: add --format, {', '.join(FORMATS)}."
            )
        # `.csl.json` ends in `.json` too: the longest ending is meant.
        chosen = max(fitting, key=lambda name: len(FORMATS[name].suffix))
    if chosen in ("pdf", "docx") and not arguments.output and sys.stdout.isatty():
        raise InvalidRequest(f"A {chosen} file is nothing for a terminal: name a file to write it to.")
    return chosen or "markdown"


def write(content: bytes, output: str | None) -> None:
    """Write a document to a file, or to the output."""
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise InvalidRequest(f"{output} cannot be written: {error.strerror}.") from error


def _topic(words: list[str]) -> str:
    topic = sys.stdin.read() if words == ["-"] else " ".join(words)
    if not topic.strip():
        raise InvalidRequest("There is no topic: write it after the options.")
    return topic.strip()


def _in_process(arguments: Namespace) -> bool:
    return bool(arguments.in_process) or ":" in (arguments.researcher or "")


def _approve(arguments: Namespace) -> str | None:
    if arguments.ask:
        return "ask"
    return "auto" if arguments.yes or not interactive() or arguments.json else None


def _options(arguments: Namespace, sources: list[str]) -> dict[str, Any]:
    given = {
        "sources": sources or None,
        "analysts": arguments.analysts,
        "turns": arguments.turns,
        "model": arguments.model,
        "local_only": arguments.local_only or None,
        "budget": dict(arguments.budget) if arguments.budget else None,
    }
    return {
        **{name: value for name, value in given.items() if value is not None},
        **dict(arguments.set or []),
    }
