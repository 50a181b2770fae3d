"""Hold what has been set, and give the parts what is meant for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..manager import Limits
from ..models.keys import Keys
from ..sources.online import OnlineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold what an administrator or a command line has set."""

    data_dir: Path
    #: The folder beneath which sessions may read; None where they may read what the process may.
    root: Path | None = None
    #: Where the indexes of libraries are kept; None for a place in the data folder.
    indexes: Path | None = None
    libraries: Mapping[str, Path] = field(default_factory=dict)
    researchers: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)
    allowed_models: frozenset[str] | None = None
    default_model: str = ""
    model_budget: Mapping[str, float] = field(default_factory=dict)
    #: Gives keys by provider and owner, before the file and the environment are asked.
    model_keys: Callable[[str, str], str | None] | None = None
    #: Where `jupyter research keys` keeps keys; None for nowhere.
    keys_file: Path | None = None
    #: The server's variables: keys and addresses of providers are looked up there at each start.
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_working_sessions: int = 8
    max_working_per_owner: int = 0
    max_queued_sessions: int = 1000
    max_sockets_per_owner: int = 100
    max_events: int = 100_000
    max_session_seconds: int = 0
    max_bytes_per_owner: int = 0
    keep_days: int = 0
    keep_sessions: int = 0
    #: What an administrator says about online sources.
    online: OnlineSettings = field(default_factory=OnlineSettings)
    local_only: bool = False
    #: What a session that is local only may connect to.
    local_addresses: tuple[str, ...] = ()
    #: "guard", or "process" for a process of its own, without a network where the platform allows that.
    local_only_isolation: str = "guard"
    auto_resume: bool = False
    #: Whether sessions that an earlier process left in the queue get their turn in this one.
    requeue: bool = True
    #: Whether sessions that other servers left in folders beside this one are taken over.
    adopt: bool = False
    carry_context: bool = True
    capture_output: bool = False

    def limits(self) -> Limits:
        """Give what bounds all sessions together and each of them."""
        return Limits(
            max_working_sessions=self.max_working_sessions,
            max_working_per_owner=self.max_working_per_owner,
            max_queued_sessions=self.max_queued_sessions,
            max_events=self.max_events,
            max_session_seconds=self.max_session_seconds,
            max_bytes_per_owner=self.max_bytes_per_owner,
            keep_days=self.keep_days,
            keep_sessions=self.keep_sessions,
            local_only=self.local_only,
            local_addresses=self.local_addresses,
            carries=self.carry_context,
        )

    def keys(self) -> Keys:
        """Give what finds the keys of providers and of online sources."""
        return Keys(self.keys_file, self.environment, self.model_keys)
