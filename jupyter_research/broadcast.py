"""Deliver what is committed to the sockets that have joined.

A viewer is a cursor in the log of each session that it has joined, and no queue: live
delivery and replay are one read, and what gathers while a frame is on its way out goes
into the next one. A viewer that reads slowly costs no memory and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

import orjson

from .errors import SessionNotFound, StorageFailed
from .events import Snapshot

if TYPE_CHECKING:
    from .store import SessionLog, Store

log = logging.getLogger(__name__)

#: How many events one frame carries at most.
FRAME_EVENTS: Final = 1000

#: From how many bytes on a frame takes no more: what a viewer that reads slowly costs.
FRAME_BYTES: Final = 512 * 1024

#: How long a viewer waits where the log cannot be read just now.
RETRY_SECONDS: Final = 2.0

#: Begins to send one frame, and gives what to wait for where it is not on its way already.
Send = Callable[[bytes], Awaitable[None] | None]


class Viewer:
    """Be one socket: what it has joined, and how far it has read. Loop thread only."""

    __slots__ = ("_broadcast", "_send", "_sending", "closed", "cursors", "ready")

    def __init__(self, broadcast: Broadcast, send: Send) -> None:
        self._broadcast = broadcast
        self._send = send
        self._sending = False
        self.closed = False
        #: The seq of the last event that went out, by joined session.
        self.cursors: dict[str, int] = {}
        #: Sessions that may have events past the cursor, oldest first.
        self.ready: dict[str, SessionLog] = {}

    def wake(self, session_log: SessionLog) -> None:
        """Send what is new in a session, at once or after what is on its way out."""
        self.ready[session_log.session_id] = session_log
        if self._sending:
            return
        try:
            # Most frames go out at once; a task for each would cost more than the frame.
            while self.ready and not self.closed:
                under_way = self._send_next()
                if under_way is not None:
                    self._sending = True
                    self._broadcast.spawn(self._go_on(under_way))
                    return
        except ConnectionError:
            self._broadcast.leave_all(self)

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message that is no event."""
        under_way = self._send(orjson.dumps(message))
        if under_way is not None:
            await under_way

    async def _go_on(self, under_way: Awaitable[None] | None) -> None:
        """Wait for a frame, then send all that has gathered meanwhile."""
        try:
            while True:
                if under_way is not None:
                    await under_way
                if self.closed or not self.ready:
                    return
                under_way = self._send_next()
        except ConnectionError:
            self._broadcast.leave_all(self)
        finally:
            self._sending = False

    def _send_next(self) -> Awaitable[None] | None:
        """Send the next frame, from memory where that reaches back far enough."""
        session_log = self.ready.pop(next(iter(self.ready)))
        after = self.cursors.get(session_log.session_id)
        if after is None:
            return None
        events = session_log.recent(after, FRAME_EVENTS, FRAME_BYTES)
        if events is None:
            return self._send_stored(session_log, after)
        return self._send_events(session_log, after, events)

    async def _send_stored(self, session_log: SessionLog, after: int) -> None:
        try:
            events = await self._broadcast.read(session_log, after)
        except StorageFailed as error:
            # Of a session that has ended no event comes that would wake this viewer again.
            log.warning("A viewer waits until the log can be read: %s", error)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._try_again, session_log)
            return
        under_way = self._send_events(session_log, after, events)
        if under_way is not None:
            await under_way

    def _try_again(self, session_log: SessionLog) -> None:
        if session_log.session_id in self.cursors and not self.closed:
            self.wake(session_log)

    def _send_events(
        self, session_log: SessionLog, after: int, events: list[bytes]
    ) -> Awaitable[None] | None:
        session_id = session_log.session_id
        if not events or self.cursors.get(session_id) != after:
            return None  # Left, or moved by another join, while the store was read.
        self.cursors[session_id] = after + len(events)
        if self.cursors[session_id] < session_log.last:
            self.ready[session_id] = session_log
        self._broadcast.delivered += len(events)
        return self._send(
            b'{"type":"events","session_id":"%s","events":[%s]}' % (session_id.encode(), b",".join(events))
        )


class Broadcast:
    """Bring the writer's commits to the viewers on the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grown: dict[str, SessionLog] = {}
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._store: Store | None = None
        self._executor: Executor | None = None
        self._viewers: dict[str, dict[Viewer, SessionLog]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._followers = threading.Condition()
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        #: How many events have gone out, each counted for every viewer.
        self.delivered = 0

    def attach(self, loop: asyncio.AbstractEventLoop, executor: Executor | None = None) -> None:
        """Deliver on this loop; reads from disk go to `executor`."""
        self._loop = loop
        self._executor = executor

    def use(self, store: Store) -> None:
        """Read from this store."""
        self._store = store

    def on_loop(self) -> bool:
        """Tell whether this is the loop's own thread, which must not wait for anything."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    # -- from the writer's thread --------------------------------------------------------------

    def grew(self, logs: Iterable[SessionLog]) -> None:
        """Take note of commits; thread-safe.

        The only crossing from threads to the loop: one `call_soon_threadsafe` however many events and
        sessions, because one for each event starves the loop.
        """
        with self._followers:
            self._followers.notify_all()
        if self._loop is None:
            return  # In a kernel nobody takes them away again: every session would stay in memory.
        with self._lock:
            for session_log in logs:
                self._grown[session_log.session_id] = session_log
            if self._scheduled:
                return
            self._scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._flush)
        except RuntimeError:  # The loop has closed: nobody is left to tell.
            log.debug("The loop has closed.")

    def _flush(self) -> None:
        with self._lock:
            grown, self._grown = self._grown, {}
            self._scheduled = False
        for session_id, session_log in grown.items():
            for viewer in list(self._viewers.get(session_id, ())):
                viewer.wake(session_log)
            for waiter in self._waiters.pop(session_id, ()):
                if not waiter.done():
                    waiter.set_result(None)

    # -- on the loop ---------------------------------------------------------------------------

    def viewer(self, send: Send) -> Viewer:
        """Make a viewer; `send` raises `ConnectionError` when the socket has closed."""
        return Viewer(self, send)

    async def join(
        self, viewer: Viewer, session_log: SessionLog, after: int | None, log_id: str | None
    ) -> None:
        """Send `session_joined`, then the events after `after`, or after the snapshot.

        Raises:
            SessionNotFound: when the session was deleted meanwhile.
        """
        assert self._store is not None
        snapshot: Snapshot = await self._in_executor(self._store.snapshot, session_log)
        session_id = session_log.session_id
        last = snapshot["last_seq"]
        reset = (log_id is not None and log_id != self._store.log_id) or (after is not None and after > last)
        if viewer.closed:
            return
        if session_log.deleted:
            # Those who had joined have been told, and nobody tells again.
            raise SessionNotFound
        viewers = self._viewers.setdefault(session_id, {})
        viewers[viewer] = session_log
        session_log.viewers = len(viewers)
        # Out of the way of `wake` until the answer is on its way: events must not come before it.
        viewer.cursors.pop(session_id, None)
        await viewer.send(
            {
                "type": "session_joined",
                "session_id": session_id,
                "snapshot": {**snapshot, "viewers": session_log.viewers},
                "last": last,
                "log": self._store.log_id,
                "reset": reset,
            }
        )
        if viewer in self._viewers.get(session_id, ()):
            viewer.cursors[session_id] = 0 if reset else last if after is None else after
            viewer.wake(session_log)

    def leave(self, viewer: Viewer, session_id: str) -> bool:
        """Forget a joined session; tell whether it was joined."""
        viewer.cursors.pop(session_id, None)
        viewer.ready.pop(session_id, None)
        viewers = self._viewers.get(session_id, {})
        session_log = viewers.pop(viewer, None)
        if session_log is None:
            return False
        session_log.viewers = len(viewers)
        if not viewers:
            del self._viewers[session_id]
        return True

    def leave_all(self, viewer: Viewer) -> None:
        """Forget a viewer whose socket has closed."""
        viewer.closed = True
        viewer.ready.clear()
        for session_id in [name for name, viewers in self._viewers.items() if viewer in viewers]:
            self.leave(viewer, session_id)

    def dismiss(self, session_id: str, reason: str) -> None:
        """Tell all viewers of a session that it is gone; thread-safe."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._dismiss, session_id, reason)

    def _dismiss(self, session_id: str, reason: str) -> None:
        for viewer in list(self._viewers.get(session_id, ())):
            self.leave(viewer, session_id)
            self.spawn(
                _quietly(viewer.send({"type": "session_left", "session_id": session_id, "reason": reason}))
            )

    async def wait(self, session_log: SessionLog, after: int, timeout: float) -> None:
        """Wait until a session has an event past `after`, at most `timeout` seconds."""
        if session_log.last > after or session_log.deleted:
            return
        waiter = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(session_log.session_id, set())
        waiters.add(waiter)
        try:
            # The commit may have come between the look above and the entry in the set.
            if session_log.last <= after:
                await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            pass
        finally:
            waiters.discard(waiter)
            if not waiters and self._waiters.get(session_log.session_id) is waiters:
                del self._waiters[session_log.session_id]

    def viewer_count(self) -> int:
        """Count the joins of all sockets."""
        return sum(len(viewers) for viewers in self._viewers.values())

    # -- in a thread ---------------------------------------------------------------------------

    def follow(self, session_log: SessionLog, after: int, timeout: float) -> None:
        """Block until a session has an event past `after`, at most `timeout` seconds."""
        with self._followers:
            self._followers.wait_for(lambda: session_log.last > after or session_log.deleted, timeout)

    # -- for viewers ---------------------------------------------------------------------------

    def spawn(self, work: Any) -> None:
        """Run a coroutine and hold it until it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def read(self, session_log: SessionLog, after: int) -> list[bytes]:
        """Read from the store, off the loop."""
        assert self._store is not None
        what = (session_log, after, FRAME_EVENTS, FRAME_BYTES)
        events: list[bytes] = await self._in_executor(self._store.read, *what)
        return events

    async def _in_executor(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)


async def _quietly(work: Awaitable[None]) -> None:
    try:
        await work
    except ConnectionError:
        log.debug("The socket had closed.")
