"""Remove old sessions, and give the room back that they took."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from ..events import State
from ..store import SessionRow, Store
from .transitions import Limits

log = logging.getLogger(__name__)

#: What may be removed, the first to go first. What waits for a person or for its turn, or works, never is.
_IN_TURN: Final = (State.COMPLETED, State.CANCELLED, State.FAILED, State.INTERRUPTED)


class Retention:
    """Keep as much as the limits say.

    Args:
        store: where the sessions are.
        limits: `keep_days` and `keep_sessions`.
        remove: removes a session where it is still in one of these states; tells whether it did.
    """

    def __init__(self, store: Store, limits: Limits, remove: Callable[[str, Sequence[State]], bool]) -> None:
        self._store = store
        self._limits = limits
        self._remove = remove

    def sweep(self) -> int:
        """Remove what is too old or too much; give how many sessions that were."""
        removed = sum(self._remove(session_id, _IN_TURN) for session_id in list(self._due()))
        if removed:
            log.info("%d old sessions were removed, as keep_days and keep_sessions say.", removed)
            self._store.shrink()
        return removed

    def _due(self) -> Iterator[str]:
        if not self._limits.keep_days and not self._limits.keep_sessions:
            return
        owners: defaultdict[str, list[tuple[SessionRow, str]]] = defaultdict(list)
        for row, last in self._store.last_times():
            owners[row.owner].append((row, last))
        for sessions in owners.values():
            removable = [(row, last) for row, last in sessions if row.state in _IN_TURN]
            # Finished ones before what somebody may want to take up again, and of these the oldest.
            removable.sort(key=lambda one: (one[0].state is State.INTERRUPTED, one[1]))
            beyond = len(sessions) - self._limits.keep_sessions if self._limits.keep_sessions else 0
            for place, (row, last) in enumerate(removable):
                if place < beyond or self._too_old(last):
                    yield row.session_id

    def _too_old(self, last: str) -> bool:
        if not self._limits.keep_days:
            return False
        age = datetime.now(UTC) - datetime.fromisoformat(last.replace("Z", "+00:00"))
        return age > timedelta(days=self._limits.keep_days)
