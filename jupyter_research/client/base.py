"""State what a client can do, wherever its sessions work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from ..events import Snapshot

Where = Literal["server", "kernel"]

Events = list[dict[str, Any]]

Snapshots = list[Snapshot]

Passages = list[dict[str, Any]]


class Client(Protocol):
    """Command sessions and read them. Every method blocks and raises `ResearchError`."""

    @property
    def where(self) -> Where:
        """Say where the sessions work."""

    def submit(self, body: Mapping[str, Any]) -> tuple[Snapshot, bool]:
        """Start a session, or rejoin one by its key; True when it is a new one."""

    def start(self, body: Mapping[str, Any]) -> Snapshot:
        """Start a session, or rejoin one by its key. `body` is that of `POST /sessions`."""

    def get(self, session_id: str) -> Snapshot:
        """Give the state of a session."""

    def list(self, state: str | None = None, limit: int = 50) -> Snapshots:
        """Give the newest sessions first."""

    def approve(self, session_id: str, version: int, proposal: Any = None) -> Snapshot:
        """Approve a version of the proposal, as edited when `proposal` is given."""

    def modify(self, session_id: str, version: int, feedback: str) -> Snapshot:
        """Ask for another proposal."""

    def pause(self, session_id: str) -> Snapshot:
        """Pause a session."""

    def resume(self, session_id: str) -> Snapshot:
        """Take a session up again."""

    def cancel(self, session_id: str) -> Snapshot:
        """Cancel a session."""

    def delete(self, session_id: str) -> None:
        """Cancel a session and remove it."""

    def events(self, session_id: str, after: int, limit: int = 200, wait: float = 0) -> tuple[Events, int]:
        """Give the events past `after` and the last `seq`; wait up to `wait` seconds for the first."""

    def report(self, session_id: str, format: str = "json", *, partial: bool = False) -> bytes:
        """Give the finished report in one of the export formats, or what a cancelled session had found."""

    def source(self, session_id: str, source_id: str) -> dict[str, Any]:
        """Give `{"id", "title", "text"}` of a source as it was stored."""

    def search_session(self, session_id: str, query: str, k: int) -> Passages:
        """Give the passages of a session's library that fit best."""

    def ask(self, session_id: str, question: str) -> dict[str, Any]:
        """Answer from a session's library: `{"report", "markdown"}`."""

    def models(self) -> Sequence[Mapping[str, Any]]:
        """List the models that can be chosen, and whether each answers."""

    def keep_defaults(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        """Take choices for all one's sessions in place of the earlier ones."""

    def health(self) -> dict[str, Any]:
        """Give the version and how many sessions are in which state."""
