"""Hold what one session's log has in memory: the newest events, and who waits for room."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ..events import Snapshot

if TYPE_CHECKING:
    from .writer import Entry

#: At most this many updates of one session wait for the writer; then its sender waits.
MAX_WAITING: Final = 2000

#: Nor do more bytes of one session, for an update may take 64 KiB; as many again may be on their way.
MAX_WAITING_BYTES: Final = 8 * 1024 * 1024

#: How many of the newest events stay in memory for viewers who keep up.
TAIL_EVENTS: Final = 256

#: From which size on events are so large that fewer stay.
LARGE: Final = 4096

#: What large events may take of that memory.
TAIL_BYTES: Final = TAIL_EVENTS * LARGE

#: How long a sender waits for room before it looks whether it still may send, in seconds.
_ROOM_CHECK: Final = 1.0


class SessionLog:
    """Be the one place where a session's events get their order.

    `gate` names those whose updates are let in; whoever closes it and appends
    the closing event under `lock` can be sure that no update follows.
    """

    __slots__ = (
        "__weakref__",
        "broken",
        "cap",
        "capped",
        "deleted",
        "dropped",
        "gate",
        "held",
        "last",
        "lock",
        "number",
        "overlay",
        "pending",
        "prefix",
        "room",
        "session_id",
        "size",
        "snapshot",
        "snapshot_lock",
        "tail",
        "viewers",
        "waiting",
    )

    def __init__(self, session_id: str, number: int, last: int = 0) -> None:
        self.session_id = session_id
        self.number = number
        #: The seq of the newest committed event.
        self.last = last
        self.prefix = f'{{"session_id":"{session_id}","seq":'.encode()
        self.tail: deque[bytes] = deque(maxlen=TAIL_EVENTS)
        self.lock = threading.Lock()
        self.room = threading.Condition(self.lock)
        #: What the writer has not yet taken, in order: an update's JSON after its seq, or an entry.
        self.pending: list[bytes | Entry] = []
        #: How many bytes the updates among them take.
        self.size = 0
        #: Updates handed over and not yet committed.
        self.waiting = 0
        #: Threads that wait for room.
        self.held = 0
        #: Which updates are let in; 0 for none.
        self.gate = 0
        #: With how many events in the log no more updates are let in.
        self.cap = sys.maxsize
        #: Updates that came past it.
        self.capped = 0
        #: Updates that came after their attempt had closed.
        self.dropped = 0
        #: Why nothing can be written any more, or None.
        self.broken: str | None = None
        self.deleted = False
        self.viewers = 0
        self.snapshot: Snapshot | None = None
        self.snapshot_lock = threading.Lock()
        #: Fields that the log could not take (a full disk) and that the snapshot shows all the same.
        self.overlay: dict[str, Any] = {}

    def wait_for_room(self, gate: int) -> None:
        """Wait, with `lock` held, while too many updates of this session wait for the writer."""
        self.held += 1
        try:
            while self.full and self.gate == gate and self.broken is None:
                self.room.wait(_ROOM_CHECK)
        finally:
            self.held -= 1

    @property
    def full(self) -> bool:
        """Tell whether the session has filled its share of what may wait for the writer."""
        return self.waiting >= MAX_WAITING or self.size >= MAX_WAITING_BYTES

    def take(self) -> list[bytes | Entry]:
        """Give the writer all that is pending."""
        with self.lock:
            taken, self.pending = self.pending, []
            size, self.size = self.size, 0
            if size >= MAX_WAITING_BYTES:
                self.room.notify_all()
        return taken

    def committed(self, bodies: list[bytes], updates: int) -> None:
        """Take over what the writer has just committed."""
        with self.lock:
            self.tail.extend(bodies)
            self.last += len(bodies)
            full = self.full
            self.waiting -= updates
            if full:
                self.room.notify_all()
            if max(map(len, bodies), default=0) > LARGE:
                self._shorten_tail()

    def _shorten_tail(self) -> None:
        """Keep fewer events in memory where they are large; the others are in the file."""
        size = sum(map(len, self.tail))
        while size > TAIL_BYTES and len(self.tail) > 1:
            size -= len(self.tail.popleft())

    def recent(self, after: int, limit: int, size: int | None = None) -> list[bytes] | None:
        """Give the events past `after` from memory; None where memory does not reach back so far.

        Args:
            after: the seq of the last event that is known.
            limit: how many events to give at most.
            size: from how many bytes on to give no more.
        """
        with self.lock:
            missing = self.last - after
            if missing <= 0:
                return []
            kept = len(self.tail)
            if missing > kept:
                return None
            start = kept - missing
            events = [self.tail[index] for index in range(start, min(kept, start + limit))]
        return events if size is None else fitting(events, size)


def fitting(events: Iterable[bytes], size: int) -> list[bytes]:
    """Take events until they reach `size` bytes, one at least."""
    taken = []
    for event in events:
        taken.append(event)
        size -= len(event)
        if size <= 0:
            break
    return taken
