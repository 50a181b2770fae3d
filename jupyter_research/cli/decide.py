"""Tell a session what a person has decided."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..client import Client
from ..errors import InvalidRequest
from ..events import Snapshot
from . import access
from .progress import phase
from .run import finish


def approve(arguments: Namespace) -> int:
    """Approve a proposal, as it stands or as a file has it."""
    edited = _edited(arguments.edit) if arguments.edit else None
    with access.session(arguments) as (client, snapshot):
        return _go_on(client, client.approve(snapshot["session_id"], snapshot["version"], edited), arguments)


def resume(arguments: Namespace) -> int:
    """Take a session up again."""
    with access.session(arguments) as (client, snapshot):
        return _go_on(client, client.resume(snapshot["session_id"]), arguments)


def pause(arguments: Namespace) -> int:
    """Pause a session."""
    with access.session(arguments) as (client, snapshot):
        return _say(client.pause(snapshot["session_id"]), arguments)


def cancel(arguments: Namespace) -> int:
    """End a session now."""
    with access.session(arguments) as (client, snapshot):
        return _say(client.cancel(snapshot["session_id"]), arguments)


def delete(arguments: Namespace) -> int:
    """Remove a session with its report and its files."""
    with access.session(arguments) as (client, snapshot):
        session_id = snapshot["session_id"]
        client.delete(session_id)
    print(json.dumps({"deleted": session_id}) if arguments.json else f"{session_id[:8]}: Deleted")
    return 0


def _go_on(client: Client, snapshot: Snapshot, arguments: Namespace) -> int:
    """Leave the work to the server, or do it here, since it would end with this process."""
    if client.where == "server":
        return _say(snapshot, arguments)
    return finish(client, snapshot, arguments)


def _say(snapshot: Snapshot, arguments: Namespace) -> int:
    print(json.dumps(snapshot) if arguments.json else f"{snapshot['session_id'][:8]}: {phase(snapshot)}")
    return 0


def _edited(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        proposal = json.loads(text)
    except OSError as error:
        raise InvalidRequest(f"{name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidRequest(f"{name} is not JSON: {error}.") from error
    # The list of analysts alone is what most people will write.
    return {"analysts": proposal} if isinstance(proposal, list) else proposal
