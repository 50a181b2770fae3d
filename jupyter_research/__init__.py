"""Run research sessions from a notebook: live progress in the cell, and a report whose citations are checked.

This page is a table of contents. What stands behind a name is imported when it is first used, so that a
kernel which only imports the package pays for nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .context import (
        checkpoint,
        clear_session_context,
        get_session_context,
        request_approval,
        send_status_update,
        session_context,
        set_session_context,
    )
    from .errors import NotReady, SessionCancelled, WaitsForApproval
    from .notebook import library, research, run, session, sessions
    from .report import Report

__all__ = [
    "NotReady",
    "Report",
    "SessionCancelled",
    "WaitsForApproval",
    "__version__",
    "checkpoint",
    "clear_session_context",
    "get_session_context",
    "library",
    "request_approval",
    "research",
    "run",
    "send_status_update",
    "session",
    "session_context",
    "sessions",
    "set_session_context",
]

#: Where each name lives.
_HOMES = {
    "context": (
        "checkpoint",
        "clear_session_context",
        "get_session_context",
        "request_approval",
        "send_status_update",
        "session_context",
        "set_session_context",
    ),
    "errors": ("NotReady", "SessionCancelled", "WaitsForApproval"),
    "report": ("Report",),
    "notebook": ("library", "research", "run", "session", "sessions"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell a Jupyter server what to load."""
    from .app import ResearchApp

    return [{"module": "jupyter_research", "app": ResearchApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the built extension lies."""
    return [{"src": "labextension", "dest": "jupyter-research-lab"}]


def load_ipython_extension(shell: Any) -> None:
    """Give `%load_ext jupyter_research` its magics."""
    from .magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics back."""
    from .magics import unload

    unload(shell)
