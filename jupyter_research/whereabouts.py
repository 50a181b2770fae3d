"""Say which notebook and which cell this code runs in, and whether somebody sits before it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import cell, history
from .client import Client, Server, ServerClient
from .client.discovery import kernel_id, parent_server
from .errors import ResearchError


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


def key_of_cell() -> str | None:
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


def path_of(client: Client | None) -> str | None:
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


def saved_of(shell: Any, client: Client | None) -> tuple[str | None, Mapping[str, Any] | None]:
    """Give this notebook's name and its content as saved, where a server or the front end tells it."""
    path = path_of(client)
    if path is not None and isinstance(client, ServerClient):
        return path, client.content(path)
    file = history.file_of(shell) or _named_file()
    return (file.name, history.read(file)) if file is not None else (path, None)


def _named_file() -> Path | None:
    name = os.environ.get("JPY_SESSION_NAME", "")
    return Path(name) if name.endswith(".ipynb") else None


def _beneath_root(server: Server | None) -> str | None:
    file = _named_file()
    if file is None or server is None or server.root is None:
        return None
    try:
        return file.resolve().relative_to(server.root.resolve()).as_posix()
    except ValueError:
        return None
