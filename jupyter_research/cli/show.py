"""Show sessions: as a list, one by one, as they go on, as documents."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from datetime import datetime
from typing import Any

from ..client import Client, partly_done
from ..errors import NotReady
from ..events import Snapshot, State, initial
from ..export.plain import one_line
from . import access, proposal
from .follow import follow
from .progress import display, phase
from .run import output_format, write


def list_sessions(arguments: Namespace) -> int:
    """List sessions, the newest first."""
    with access.sessions(in_process=arguments.in_process) as client:
        found = client.list(arguments.state, arguments.limit)
        for notice in client.health().get("notices", ()):
            print(f"jupyter research: {notice}", file=sys.stderr)
    if arguments.json:
        for snapshot in found:
            print(json.dumps(snapshot))
    elif not found:
        print("There are no sessions yet: `jupyter research demo` runs a first one.", file=sys.stderr)
    elif sys.stdout.isatty():
        _table(found)
    else:
        for snapshot in found:
            print("\t".join(_row(snapshot)))
    return 0


def _row(snapshot: Snapshot) -> list[str]:
    state = str(snapshot["state"]).replace("_", " ")
    if snapshot["total"] and not State(snapshot["state"]).finished:
        state += f" {100 * (snapshot['done'] or 0) / snapshot['total']:.0f} %"
    return [snapshot["session_id"][:8], state, _when(snapshot["created"]), one_line(snapshot["topic"])]


def _when(time: str | None) -> str:
    if not time:
        return ""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone().strftime("%Y-%m-%d %H:%M")


def _table(found: list[Snapshot]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ID", "State", "Started", "Topic"):
        table.add_column(name, no_wrap=name != "Topic")
    for snapshot in found:
        table.add_row(*(Text(cell) for cell in _row(snapshot)))
    Console(highlight=False).print(table)


def show(arguments: Namespace) -> int:
    """Show a session, and its report where there is one."""
    with access.sessions(in_process=arguments.in_process) as client:
        snapshot = access.one(client, arguments.session)
        if arguments.json:
            print(json.dumps({"snapshot": snapshot, "report": _report(client, snapshot)}))
            return 0
        print(_summary(snapshot), file=sys.stderr)
        if snapshot["report_available"]:
            arguments.output = None
            write(client.report(snapshot["session_id"], output_format(arguments)), None)
    return 0


def _report(client: Client, snapshot: Snapshot) -> Any:
    return json.loads(client.report(snapshot["session_id"])) if snapshot["report_available"] else None


def _summary(snapshot: Snapshot) -> str:
    lines = [
        one_line(snapshot["topic"]),
        f"{phase(snapshot)}; started {_when(snapshot['created'])}, id {snapshot['session_id']}",
    ]
    if snapshot["state"] == State.AWAITING_APPROVAL.value:
        lines.append(proposal.text(snapshot))
    lines += [f"- {one_line(line)}" for line in snapshot["limitations"]]
    return "\n".join([*lines, ""])


def export(arguments: Namespace) -> int:
    """Write a report to a file, in the format that its ending names."""
    kind = output_format(arguments)
    with access.sessions(in_process=arguments.in_process) as client:
        snapshot = access.one(client, arguments.session)
        if not snapshot["report_available"] and not arguments.partial:
            state = snapshot["state"].replace("_", " ")
            raise NotReady(f"The session has no report, it is {state}{_advice(snapshot)}.")
        write(client.report(snapshot["session_id"], kind, partial=arguments.partial), arguments.output)
    if arguments.output:
        print(f"The report is in {one_line(arguments.output)}.", file=sys.stderr)
    return 0


def _advice(snapshot: Snapshot) -> str:
    found = snapshot["state"] == State.CANCELLED.value and partly_done(snapshot)
    return "; --partial gives what it had found" if found else ""


def tail(arguments: Namespace) -> int:
    """Follow a session's events from the first to its end."""
    with access.sessions(in_process=arguments.in_process) as client:
        known = access.one(client, arguments.session)
        latest = initial(known["session_id"])
        with display(as_json=arguments.json) as screen:
            for latest, events in follow(client, initial(known["session_id"])):
                screen.show(latest, events)
                # Nobody else moves a session that is stored here.
                told = latest["last_seq"] >= known["last_seq"] and client.where != "server"
                if told and not State(latest["state"]).working:
                    break
    print(phase(latest), file=sys.stderr)
    return 1 if State(latest["state"]) is State.FAILED else 0
