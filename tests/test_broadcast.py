"""Delivery: to whom it goes, in which order, and what a slow viewer costs."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import tracemalloc
import uuid
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from jupyter_research.broadcast import FRAME_BYTES, FRAME_EVENTS, Broadcast
from jupyter_research.errors import SessionNotFound, StorageFailed
from jupyter_research.events import Kind, Snapshot, State
from jupyter_research.store import SessionLog, Store
from jupyter_research.store.log import TAIL_EVENTS

DEADLINE = 90


class Page:
    """Be the far end of a socket, which may stop reading or go away."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.messages: list[dict[str, Any]] = []
        self.largest = 0
        #: Frames that are on their way out.
        self.under_way = 0
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = False
        self._changed = asyncio.Event()
        self.viewer = broadcast.viewer(self._take)

    async def _take(self, text: bytes) -> None:
        self.under_way += 1
        self._changed.set()
        await self.reads.wait()
        self.under_way -= 1
        if self.gone:
            raise ConnectionError("The viewer has gone.")
        self.largest = max(self.largest, len(text))
        self.messages.append(orjson.loads(text))
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), DEADLINE)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def seqs(self, log: SessionLog) -> list[int]:
        frames = [frame for frame in self.of("events") if frame["session_id"] == log.session_id]
        events = [event for frame in frames for event in frame["events"]]
        assert {event["session_id"] for event in events} <= {log.session_id}
        return [event["seq"] for event in events]

    async def reaches(self, log: SessionLog, seq: int) -> None:
        await self.until(lambda: self.seqs(log)[-1:] == [seq])


class SlowDisk(ThreadPoolExecutor):
    """Hold reads of the store back until `gate` opens."""

    def __init__(self, store: Store) -> None:
        super().__init__(4)
        self.store = store
        self.gate = threading.Event()
        self.held = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if fn != self.store.read:
            return super().submit(fn, *args, **kwargs)
        self.held += 1
        return super().submit(lambda: self.gate.wait(DEADLINE) and fn(*args, **kwargs))


@pytest.fixture
def broadcast() -> Broadcast:
    return Broadcast()


@pytest.fixture
def store(tmp_path: Path, broadcast: Broadcast) -> Iterator[Store]:
    store = Store(tmp_path / "research.sqlite", on_commit=broadcast.grew)
    broadcast.use(store)
    yield store
    store.close()


@pytest.fixture
def page(broadcast: Broadcast) -> Callable[[], Page]:
    """Connect pages; called on the loop that they are delivered on."""

    def connect() -> Page:
        broadcast.attach(asyncio.get_running_loop())
        return Page(broadcast)

    return connect


def begin(store: Store) -> SessionLog:
    log = store.create(uuid.uuid4().hex, "local", None, {})
    detail = {
        "topic": "t",
        "researcher": "r",
        "options": {},
        "owner": "local",
        "notebook": None,
        "attempt": 1,
    }
    store.append(log, Kind.SESSION_STARTED, State.QUEUED, detail, gate=1).result(DEADLINE)
    return log


def say(store: Store, log: SessionLog, times: int, message: str = "m") -> int:
    """Write updates and give the seq of the last one, committed."""
    for number in range(times):
        assert store.update(log, 1, message, {"number": number})
    store.flush().result(DEADLINE)
    return log.last


async def say_aside(store: Store, log: SessionLog, times: int, message: str = "m") -> int:
    """Write from a thread, as research code does, while the loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(None, say, store, log, times, message)


def test_without_a_loop_no_log_is_kept_for_viewers_that_cannot_come(store: Store) -> None:
    log = store.create(uuid.uuid4().hex, "local", None, {})
    kept = weakref.ref(log)
    store.append(log, Kind.SESSION_STARTED, State.QUEUED, {}).result(DEADLINE)
    store.delete(log).result(DEADLINE)  # Else it is among those that were used last.
    store.flush().result(DEADLINE)
    del log
    gc.collect()
    assert kept() is None


async def test_who_joins_at_the_start_sees_all_that_follows(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, one = begin(store), page()
    await broadcast.join(one.viewer, log, 0, None)
    last = await say_aside(store, log, 50)
    await one.reaches(log, last)
    assert one.seqs(log) == list(range(1, last + 1))
    assert one.messages[0]["type"] == "session_joined"


@pytest.mark.parametrize("events", [50, TAIL_EVENTS + 1, 2 * FRAME_EVENTS + 1])
async def test_who_joins_at_the_end_sees_all_of_the_past(
    store: Store, page: Callable[[], Page], broadcast: Broadcast, events: int
):
    log, one = begin(store), page()
    last = await say_aside(store, log, events)
    await broadcast.join(one.viewer, log, 0, store.log_id)
    await one.reaches(log, last)
    assert one.seqs(log) == list(range(1, last + 1))
    assert max(len(frame["events"]) for frame in one.of("events")) <= FRAME_EVENTS
    assert one.messages[0]["last"] == last


async def test_who_names_no_event_gets_the_snapshot_and_what_follows(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, one = begin(store), page()
    last = await say_aside(store, log, 5)
    await broadcast.join(one.viewer, log, None, None)
    [joined] = one.messages
    assert (joined["last"], joined["snapshot"]["last_seq"], joined["reset"]) == (last, last, False)
    assert joined["snapshot"]["viewers"] == 1
    await one.reaches(log, await say_aside(store, log, 1))
    assert one.seqs(log) == [last + 1]


async def test_each_sees_every_event_once_and_in_order_whenever_they_join_a_busy_session(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log = begin(store)
    writing = asyncio.ensure_future(say_aside(store, log, 6000))
    pages = []
    while not writing.done() or len(pages) < 3:
        one = page()
        await broadcast.join(one.viewer, log, 0, None)
        pages.append(one)
        await one.until(lambda one=one: bool(one.seqs(log)))
    last = await writing
    for one in pages:
        await one.reaches(log, last)
        assert one.seqs(log) == list(range(1, last + 1))


async def test_who_leaves_hears_no_more_and_comes_back_to_where_it_was(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, one, other = begin(store), page(), page()
    for each in (one, other):
        await broadcast.join(each.viewer, log, 0, None)
    left_at = await say_aside(store, log, 10)
    await one.reaches(log, left_at)
    assert broadcast.leave(one.viewer, log.session_id)
    assert not broadcast.leave(one.viewer, log.session_id)
    last = await say_aside(store, log, 10)
    await other.reaches(log, last)
    assert one.seqs(log)[-1] == left_at
    await broadcast.join(one.viewer, log, left_at, store.log_id)
    await one.reaches(log, last)
    assert one.seqs(log) == list(range(1, last + 1))


async def test_who_joins_a_session_that_is_deleted_meanwhile_is_refused(
    store: Store, page: Callable[[], Page], broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch
):
    log, one = begin(store), page()
    snapshot = store.snapshot

    def snapshot_and_deletion(log: SessionLog) -> Snapshot:
        found = snapshot(log)
        store.delete(log).result(DEADLINE)
        broadcast.dismiss(log.session_id, "deleted")
        return found

    monkeypatch.setattr(store, "snapshot", snapshot_and_deletion)
    with pytest.raises(SessionNotFound):
        await broadcast.join(one.viewer, log, None, None)
    assert (broadcast.viewer_count(), one.messages) == (0, [])


async def test_what_was_read_for_one_who_left_or_moved_meanwhile_is_not_sent(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, left, moved = begin(store), page(), page()
    last = await say_aside(store, log, TAIL_EVENTS + 10)
    with SlowDisk(store) as disk:
        broadcast.attach(asyncio.get_running_loop(), disk)
        for each in (left, moved):
            await broadcast.join(each.viewer, log, 0, None)
        await settled(lambda: disk.held == 2)
        broadcast.leave(left.viewer, log.session_id)
        await broadcast.join(moved.viewer, log, last - 1, None)
        disk.gate.set()
        await moved.reaches(log, last)
    await settled(lambda: not broadcast._tasks)
    assert moved.seqs(log) == [last]
    assert left.seqs(log) == []


async def test_a_second_join_moves_the_cursor(store: Store, page: Callable[[], Page], broadcast: Broadcast):
    log, one = begin(store), page()
    last = await say_aside(store, log, 10)
    for _ in range(2):
        await broadcast.join(one.viewer, log, 4, None)
        await one.reaches(log, last)
        assert one.seqs(log) == list(range(5, last + 1))
        one.messages.clear()
    assert log.viewers == 1


@pytest.mark.parametrize(("after", "same_log"), [(3, False), (1000, True)])
async def test_another_life_of_the_log_and_a_cursor_beyond_its_end_begin_anew(
    store: Store, page: Callable[[], Page], broadcast: Broadcast, after: int, same_log: bool
):
    log, one = begin(store), page()
    last = await say_aside(store, log, 10)
    await broadcast.join(one.viewer, log, after, store.log_id if same_log else "another")
    await one.reaches(log, last)
    assert one.messages[0]["reset"] is True
    assert one.seqs(log) == list(range(1, last + 1))


async def test_three_sessions_on_one_page_are_all_whole_and_nobody_elses(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    logs, one, foreign = [begin(store) for _ in range(3)], page(), begin(store)
    for log in logs:
        await broadcast.join(one.viewer, log, 0, None)
    lasts = await asyncio.gather(*(say_aside(store, log, 1500) for log in [*logs, foreign]))
    for log, last in zip(logs, lasts, strict=False):
        await one.reaches(log, last)
        assert one.seqs(log) == list(range(1, last + 1))
    assert foreign.session_id not in {message["session_id"] for message in one.messages}


async def test_a_page_that_stops_reading_costs_no_memory_holds_nobody_up_and_gets_all_when_it_reads_again(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, slow, quick = begin(store), page(), page()
    for each in (slow, quick):
        await broadcast.join(each.viewer, log, None, None)
    joined_at = log.last
    slow.reads.clear()
    await say_aside(store, log, 1, "m")
    await slow.until(lambda: slow.under_way == 1)
    # All of its 10 MB go to the quick page, which forgets them here at once.
    quick.messages.clear()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10):
            last = await say_aside(store, log, 1000, "m" * 1000)
            await quick.reaches(log, last)
            quick.messages.clear()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert slow.under_way == 1
    assert after - before < 3_000_000  # The tail, once for all viewers, and the writer's last batch.
    slow.reads.set()
    await slow.reaches(log, last)
    assert slow.seqs(log) == list(range(joined_at + 1, last + 1))


async def test_a_viewer_of_a_log_that_cannot_be_read_for_a_while_gets_all_of_it_later(
    store: Store, page: Callable[[], Page], broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch
):
    log, one, gone = begin(store), page(), page()
    last = await say_aside(store, log, 2 * TAIL_EVENTS)
    read, refused = store.read, []

    def refuse(*args: Any) -> Any:
        if len(args) == 3:  # For the snapshot of a join.
            return read(*args)
        refused.append(args)
        raise StorageFailed("the disk is busy")

    monkeypatch.setattr("jupyter_research.broadcast.RETRY_SECONDS", 0.01)
    monkeypatch.setattr(store, "read", refuse)
    for each in (one, gone):
        await broadcast.join(each.viewer, log, 0, None)
    await settled(lambda: len(refused) > 4)
    broadcast.leave_all(gone.viewer)
    monkeypatch.setattr(store, "read", read)
    await one.reaches(log, last)
    assert one.seqs(log) == list(range(1, last + 1))
    assert gone.seqs(log) == []


async def test_a_frame_of_large_events_is_bounded_too(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, one = begin(store), page()
    last = await say_aside(store, log, 2 * TAIL_EVENTS, "m" * 20_000)
    await broadcast.join(one.viewer, log, 0, None)
    await one.reaches(log, last)
    assert one.seqs(log) == list(range(1, last + 1))
    assert one.largest < FRAME_BYTES + 2 * 20_000


async def test_what_gathers_while_a_frame_goes_out_goes_into_the_next(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log, one = begin(store), page()
    await broadcast.join(one.viewer, log, None, None)
    one.reads.clear()
    await say_aside(store, log, 1)
    await one.until(lambda: one.under_way == 1)
    last = await say_aside(store, log, 100)
    one.reads.set()
    await one.reaches(log, last)
    assert [len(frame["events"]) for frame in one.of("events")] == [1, 100]


async def test_a_page_that_has_gone_is_forgotten(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    logs, one = [begin(store), begin(store)], page()
    for log in logs:
        await broadcast.join(one.viewer, log, None, None)
    assert broadcast.viewer_count() == 2
    one.gone = True
    await say_aside(store, logs[0], 1)
    await settled(lambda: broadcast.viewer_count() == 0)
    assert [log.viewers for log in logs] == [0, 0]
    assert one.viewer.closed


async def settled(condition: Callable[[], bool]) -> None:
    """Let the loop go round until something is so."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0)


async def test_viewers_of_a_session_that_is_gone_are_told_and_others_are_not(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    gone, kept, one, other = begin(store), begin(store), page(), page()
    await broadcast.join(one.viewer, gone, None, None)
    for log in (gone, kept):
        await broadcast.join(other.viewer, log, None, None)
    with ThreadPoolExecutor(1) as pool:  # As a command does it.
        await asyncio.get_running_loop().run_in_executor(pool, broadcast.dismiss, gone.session_id, "deleted")
    for each in (one, other):
        await each.until(lambda each=each: len(each.of("session_left")) == 1)
        assert each.of("session_left") == [
            {"type": "session_left", "session_id": gone.session_id, "reason": "deleted"}
        ]
    await other.reaches(kept, await say_aside(store, kept, 1))
    assert one.of("events") == []
    assert broadcast.viewer_count() == 1


async def test_waiting_ends_with_the_next_event_and_at_once_when_it_is_there(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log = begin(store)
    page()
    waiting = asyncio.ensure_future(broadcast.wait(log, log.last, DEADLINE))
    await asyncio.sleep(0)
    assert not waiting.done()
    await say_aside(store, log, 1)
    await asyncio.wait_for(waiting, DEADLINE)
    await asyncio.wait_for(broadcast.wait(log, log.last - 1, DEADLINE), DEADLINE)
    assert broadcast._waiters == {}


async def test_waiting_ends_in_time_and_leaves_nothing_behind(
    store: Store, page: Callable[[], Page], broadcast: Broadcast
):
    log = begin(store)
    page()
    await broadcast.wait(log, log.last, 0.01)
    given_up = asyncio.ensure_future(broadcast.wait(log, log.last, DEADLINE))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert broadcast._waiters == {}


def test_a_thread_follows_without_a_loop(store: Store, broadcast: Broadcast):
    log = begin(store)
    last = log.last
    follower = threading.Thread(target=broadcast.follow, args=(log, last, DEADLINE))
    follower.start()
    say(store, log, 1)
    follower.join(DEADLINE)
    assert not follower.is_alive()
    broadcast.follow(log, log.last, 0.01)
    assert log.last == last + 1


async def test_commits_after_the_loop_has_closed_are_written_all_the_same(store: Store, broadcast: Broadcast):
    log = begin(store)
    loop = asyncio.new_event_loop()
    broadcast.attach(loop)
    loop.close()
    assert await say_aside(store, log, 3) == 4
    broadcast.dismiss(log.session_id, "deleted")
