"""Choose whose sessions a command uses: a running server's, or those stored here."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..client import Client, LocalClient, Server, ServerClient, connect, find
from ..client.discovery import parent_server, runtime_folders
from ..errors import InvalidRequest, ResearchError, SessionNotFound
from ..events import Snapshot


@contextmanager
def sessions(*, in_process: bool) -> Iterator[Client]:
    """Give a client for one command: of the running server where there is one, else of this process."""
    with of(None if in_process else running_server()) as client:
        yield client


@contextmanager
def of(server: Server | None, researchers: Mapping[str, str] | None = None) -> Iterator[Client]:
    """Give a client of a server, or of this process; what works here is interrupted at the end."""
    if server is not None:
        yield ServerClient(server)
        return
    client = LocalClient.over(researchers=researchers)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def session(arguments: Namespace) -> Iterator[tuple[Client, Snapshot]]:
    """Give the session that a command names, and the client to command it by."""
    with sessions(in_process=arguments.in_process) as client:
        snapshot = one(client, arguments.session)
        name = str(snapshot["researcher"])
        if client.where == "server" or ":" not in name:
            yield client, snapshot
            return
    # A function that the command line named is configured nowhere, so that it has to be named again.
    with of(None, {name: name}) as client:
        yield client, snapshot


def running_server() -> Server | None:
    """Find the server whose sessions are meant: the one that is named, else one's own that is running."""
    if find() is not None:
        # Named by the environment, so that its errors are worth a sentence.
        client = connect()
        return client.server if isinstance(client, ServerClient) else None
    servers = [server for server in _own_servers() if _has_research(server)]
    here = Path.cwd().resolve()
    above = [server for server in servers if server.root and here.is_relative_to(server.root.resolve())]
    chosen = (above or servers)[:1]
    if len(above or servers) > 1:
        print(f"Several Jupyter servers run; this uses {chosen[0].url}.", file=sys.stderr)
    return chosen[0] if chosen else None


def _own_servers() -> Iterator[Server]:
    """Go through this person's servers that still run, newest first.

    Reads files and removes none: on a shared home those of other machines lie there too.
    """
    for folder in dict.fromkeys(runtime_folders()):
        for path in sorted(folder.glob("jpserver-*.json"), key=_age):
            pid = path.stem.removeprefix("jpserver-")
            if pid.isdigit() and _is_jupyter(int(pid)):
                named = {**os.environ, "JPY_PARENT_PID": pid, "JUPYTER_RUNTIME_DIR": str(folder)}
                server = parent_server(named)
                if server is not None:
                    yield server


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _is_jupyter(pid: int) -> bool:
    """Tell whether that process lives, so that no token is shown to whoever has taken its port since."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        return b"jupyter" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()


def _has_research(server: Server) -> bool:
    from .._version import __version__

    try:
        version = str(ServerClient(server).health().get("version", ""))
    except ResearchError:
        return False
    return version.split(".")[:2] == __version__.split(".")[:2]


def reads(server: Server, names: list[str]) -> bool:
    """Tell whether a server reads these sources: libraries, and paths beneath its root folder."""
    if server.root is None:
        return True
    root = server.root.resolve()
    if not names:
        return Path.cwd().resolve() == root
    paths = [Path(name) for name in names if _is_path(name)]
    return all(path.resolve().is_relative_to(root) for path in paths)


def as_seen_by(server: Server, names: list[str]) -> list[str]:
    """Give the sources as that server is to be told them: paths absolute, since its folder is another."""
    if server.root is None:
        return names
    return [os.path.abspath(name) if _is_path(name) else name for name in names]


def _is_path(name: str) -> bool:
    if "://" in name:
        return False
    # A pattern's beginning tells as much as an existing file.
    return Path(name).exists() or "/" in name or os.sep in name or any(sign in name for sign in "*?[")


def one(client: Client, session: str) -> Snapshot:
    """Find a session by its id or the beginning of it."""
    try:
        return client.get(session)
    except SessionNotFound:
        found = [
            item for item in client.list(limit=200) if session and item["session_id"].startswith(session)
        ]
    if len(found) > 1:
        raise InvalidRequest(f"{len(found)} sessions begin with {session}: give more of the id.")
    if not found:
        raise SessionNotFound(f"There is no session {session}: `jupyter research list` lists them.")
    return found[0]
