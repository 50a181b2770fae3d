"""Start sessions from Python and find them again: what `from jupyter_research import …` gives a notebook."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import card, cell, frames, history
from .client import Client, Collection, LocalClient, NoCredential, Server, ServerClient, Session, connect
from .client.discovery import kernel_id, parent_server
from .errors import InvalidRequest, NoKey, ResearcherFailed, ResearchError, SessionNotFound
from .events import State

#: Seconds that the last update of an output may take after the session has ended.
_SETTLE = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Say what a cell asks for."""

    topic: str
    researcher: str = "analysts"
    options: Mapping[str, Any] = field(default_factory=dict)
    ask: bool = False
    yes: bool = False
    #: None where nothing is said: then it waits where nobody is there to come back.
    wait: bool | None = None
    new: bool = False
    in_kernel: bool = False
    #: Read the cells of the running notebook too, or instead of its folder where no source is named.
    cells: bool = False
    #: DataFrames by the names that they are to have.
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def approve(self) -> str | None:
        """Say whether a person is asked, as the contract has it."""
        if self.ask and self.yes:
            raise InvalidRequest("Either --ask or --yes: both together mean nothing.")
        return "ask" if self.ask else "auto" if self.yes else None


def research(
    topic: str,
    *,
    researcher: str = "analysts",
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    ask: bool = False,
    yes: bool = False,
    wait: bool | None = None,
    new: bool = False,
    in_kernel: bool = False,
    cells: bool = False,
    data: Mapping[str, Any] | None = None,
    **options: Any,
) -> Session | None:
    """Start a research session, show its card in the cell, and return it at once.

    Args:
        topic: the question, up to 4000 characters.
        researcher: who does it: the built-in `analysts`, or one that the server has configured.
        sources: names of libraries, files, folders and patterns; absent: the notebook's folder.
        ask: ask for approval of the team before it starts.
        yes: never ask.
        wait: return at the end; on where nobody could come back to the cell (papermill, nbconvert).
        new: start afresh where this cell has such a session already.
        in_kernel: work in this process even where there is a server.
        cells: read the cells of the running notebook, as they are now.
        data: DataFrames by name: their columns, and what can be counted in them, are described here and read.
            Cells and DataFrames make the session `local_only`; where no source is named, they are all that
            is read.
        options: go to the researcher; the built-in takes `analysts` (1 to 10), `turns` (1 to 5), `model`,
            `local_only` and `budget`.

    Returns:
        The session; None where only the browser can start it, by the card's Start button.

    Raises:
        ResearchError: in one sentence what is wrong and what to do.
    """
    if sources is not None:
        options["sources"] = _names(sources)
    given = {name: value for name, value in options.items() if value is not None}
    request = Request(
        topic=topic,
        researcher=researcher,
        options=given,
        ask=ask,
        yes=yes,
        wait=wait,
        new=new,
        in_kernel=in_kernel,
        cells=cells,
        data=data or {},
    )
    return begin(request)


def run(function: Callable[..., Any], topic: str, **options: Any) -> Session:
    """Run a function of this notebook as a session: `function(topic, **options) -> str | Report`.

    It works in this process, with the same card, log and context: `send_status_update` tells how it gets on,
    `request_approval` asks.
    """
    client = LocalClient.of_this_process()
    name = getattr(function, "__qualname__", type(function).__name__).replace("<locals>.", "")
    snapshot = client.run(function, {"topic": topic, "researcher": name, "options": options})
    return _shown(Session(client, snapshot, cell.show_once), wait=unattended())


def session(id: str) -> Session:
    """Give a session back, by its id or the beginning of it."""
    for client in _clients():
        try:
            return Session(client, client.get(id), cell.show_once)
        except SessionNotFound:
            found = [item for item in client.list(limit=200) if id and item["session_id"].startswith(id)]
            if len(found) == 1:
                return Session(client, found[0], cell.show_once)
    raise SessionNotFound(f"There is no session {id}: `sessions()` lists them.")


def sessions(state: str | None = None, limit: int = 50) -> Sessions:
    """List one's sessions, the newest first; `state` narrows it to those in one state."""
    found = [
        Session(client, snapshot, cell.show_once)
        for client in _clients()
        for snapshot in client.list(state, limit)
    ]
    return Sessions(sorted(found, key=lambda item: str(item.known["created"]), reverse=True)[:limit])


def library(path: str | os.PathLike[str]) -> Collection:
    """Name a folder or file as a source, whatever the current folder is then, or search it by itself.

    Raises:
        InvalidRequest: when it does not exist.
    """
    return Collection(path)


class Sessions(list[Session]):
    """List sessions so that a notebook shows a table."""

    def _repr_html_(self) -> str:
        return card.table([item.known for item in self])

    def __repr__(self) -> str:
        return "\n".join(card.line(item.known) for item in self) or "There are no sessions yet."


def begin(request: Request) -> Session | None:
    """Start what a cell asks for, show it, and wait where that is meant."""
    alone = unattended()
    if alone and not request.ask:
        request = replace(request, yes=True)
    try:
        client = connect(in_kernel=request.in_kernel)
    except NoCredential:
        if request.cells or request.data:
            raise NoCredential(
                "This server takes only a password, which the kernel does not have, so it cannot give its "
                "cells or data: set JUPYTER_RESEARCH_TOKEN, or add --in-kernel."
            ) from None
        if alone or request.wait:
            raise NoCredential(
                "This server takes only a password, which the kernel does not have, so it cannot wait here: "
                "set JUPYTER_RESEARCH_TOKEN, or leave out --wait and press Start."
            ) from None
        cell.show_start(_body(request, None))
        return None
    try:
        snapshot, created = client.submit(_body(request, client))
    except NoKey as error:
        raise NoKey(f"{error}{_own_key(str(error))}") from None
    if not created:
        print(f"From {card.ago(snapshot['created'])}; --new starts afresh.")
    found = Session(client, snapshot, cell.show_once)
    return _shown(found, wait=alone if request.wait is None else request.wait)


def save_defaults(options: Mapping[str, Any]) -> None:
    """Keep options for all one's sessions, and say which these are."""
    kept = connect().keep_defaults(dict(options))
    said = ", ".join(f"{name} {value}" for name, value in kept.items()) or "none"
    print(f"Your defaults: {said}.")


def unattended() -> bool:
    """Tell whether this notebook runs by itself: papermill, nbconvert, a terminal that is none.

    Such a kernel takes no input, and what started it is no Jupyter server.
    """
    shell = cell.running_shell()
    if shell is None:
        return False
    if hasattr(shell, "kernel"):
        return not getattr(shell.kernel, "_allow_stdin", True) and parent_server() is None
    return not sys.stdin.isatty()


def _own_key(sentence: str) -> str:
    """Say that this kernel has the key that the server lacks, where that is so; the key itself stays here."""
    named = re.search(r"set (\w+_API_KEY) where the server", sentence)
    if named is None or not os.environ.get(named[1]):
        return ""
    return f" Your notebook has {named[1]}, the server does not."


def _shown(found: Session, *, wait: bool) -> Session:
    """Show a session in the cell; with `wait`, come back when its output shows the end."""
    output = cell.show(found, alone=unattended())
    if not wait:
        return found
    found.wait()
    if output is not None:
        output.done.wait(_SETTLE)
    if found.known["state"] == State.FAILED.value:
        error = found.known["error"] or {}
        raise ResearcherFailed(f"The session failed: {error.get('message')}")
    return found


def _clients() -> list[Client]:
    """Give the server's client, and this process's where sessions work here."""
    own = LocalClient.in_use()
    try:
        first = connect()
    except ResearchError:
        if own is None:
            raise
        return [own]
    return [first] if own is None or own is first else [first, own]


def _body(request: Request, client: Client | None) -> dict[str, Any]:
    """Give the body of `POST /sessions`."""
    key = _key()
    return {
        "topic": request.topic,
        "researcher": request.researcher,
        "options": dict(request.options),
        "approve": request.approve,
        "notebook": _notebook(client),
        "key": key,
        **({"documents": documents} if (documents := _documents(request, client)) else {}),
        **({"new": True} if request.new and key else {}),
    }


def _documents(request: Request, client: Client | None) -> list[dict[str, str]]:
    """Make documents of what the kernel holds."""
    found = []
    if request.cells:
        shell = cell.running_shell()
        if shell is None:
            raise InvalidRequest("There is no notebook here whose cells could be read: name files instead.")
        path, saved = _saved(shell, client)
        name = f"the cells of {path}" if path else "the cells of this notebook"
        found.append({"name": name, "kind": "notebook", "text": history.notebook_of(shell, saved)})
    for name, frame in request.data.items():
        found.append({"name": name, "kind": "markdown", "text": frames.describe(frame, name)})
    return found


def _saved(shell: Any, client: Client | None) -> tuple[str | None, Mapping[str, Any] | None]:
    """Give this notebook's name and its content as saved, where a server or the front end tells it."""
    path = _notebook(client)
    if path is not None and isinstance(client, ServerClient):
        return path, client.content(path)
    file = history.file_of(shell) or _named_file()
    return (file.name, history.read(file)) if file is not None else (path, None)


def _named_file() -> Path | None:
    name = os.environ.get("JPY_SESSION_NAME", "")
    return Path(name) if name.endswith(".ipynb") else None


def _key() -> str | None:
    """Name the cell that runs now, so that it rejoins its session when it runs again; None in a script.

    The topic and the options are compared by the server. Where a front end tells no cell, all cells of the
    notebook share a key.
    """
    shell = cell.running_shell()
    if shell is None:
        return None
    parent = shell.get_parent() if hasattr(shell, "kernel") else {}
    known = (parent.get("metadata") or {}).get("cellId")
    place = f"cell {known}" if known else f"notebook {os.environ.get('JPY_SESSION_NAME') or Path.cwd()}"
    return hashlib.sha256(place.encode()).hexdigest()[:32]


def _notebook(client: Client | None) -> str | None:
    """Give this notebook's path beneath the server's root folder, where it has one."""
    if client is None:
        return _beneath_root(parent_server())
    if not isinstance(client, ServerClient):
        return None
    known = kernel_id()
    try:
        path = client.notebook(known) if known else None
    except ResearchError:
        # Some servers show their sessions to nobody; the name given at the start is nearly as good.
        path = None
    return path or _beneath_root(client.server)


def _beneath_root(server: Server | None) -> str | None:
    name = os.environ.get("JPY_SESSION_NAME", "")
    if not name.endswith(".ipynb") or server is None or server.root is None:
        return None
    try:
        return Path(name).resolve().relative_to(server.root.resolve()).as_posix()
    except ValueError:
        return None


def _names(sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Sequence[str]:
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    return [os.fspath(name) for name in given]
