"""Follow a session to its end, or to where it waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..client import Client
from ..events import Snapshot, State, reduce_all

#: How long one question for events may be held back, in seconds.
PATIENCE: Final = 25.0

#: States in which nothing happens until a person acts.
RESTING: Final = frozenset({State.AWAITING_APPROVAL, State.PAUSED, State.INTERRUPTED})


def follow(client: Client, snapshot: Snapshot) -> Iterator[tuple[Snapshot, list[dict[str, Any]]]]:
    """Give the state after each bunch of events, and those; ends with the session."""
    yield snapshot, []
    while not State(snapshot["state"]).finished:
        events, _ = client.events(snapshot["session_id"], snapshot["last_seq"], limit=1000, wait=PATIENCE)
        if events:
            snapshot = reduce_all(snapshot, events)
            yield snapshot, events
