"""Say what a cell asks for, and write it as the server takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import cell, frames, history
from .client import Client
from .errors import InvalidRequest
from .whereabouts import key_of_cell, path_of, saved_of


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


def body_of(request: Request, client: Client | None) -> dict[str, Any]:
    """Give the body of `POST /sessions`."""
    key = key_of_cell()
    return {
        "topic": request.topic,
        "researcher": request.researcher,
        "options": dict(request.options),
        "approve": request.approve,
        "notebook": path_of(client),
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
        path, saved = saved_of(shell, client)
        name = f"the cells of {path}" if path else "the cells of this notebook"
        found.append({"name": name, "kind": "notebook", "text": history.notebook_of(shell, saved)})
    for name, frame in request.data.items():
        found.append({"name": name, "kind": "markdown", "text": frames.describe(frame, name)})
    return found
