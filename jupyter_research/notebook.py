"""Start sessions from Python and find them again: what `from jupyter_research import …` gives a notebook."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import cell
from .client import Client, Collection, LocalClient, NoCredential, Session, connect
from .errors import NoKey, ResearcherFailed, ResearchError, SessionNotFound
from .events import State
from .export import card
from .request import Request, body_of
from .whereabouts import unattended

#: Seconds that the last update of an output may take after the session has ended.
_SETTLE = 15.0


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
        cell.show_start(body_of(request, None))
        return None
    try:
        snapshot, created = client.submit(body_of(request, client))
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


def _names(sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Sequence[str]:
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    return [os.fspath(name) for name in given]
