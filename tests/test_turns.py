"""What a session leaves behind in the threads that it has used, and how a cancel reaches all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from test_manager import ALICE, Desk, carried, desk

from jupyter_research.context import (
    checkpoint,
    get_session_context,
    send_status_update,
    set_session_context,
)
from jupyter_research.errors import SessionCancelled
from jupyter_research.manager.attempt import Attempt
from jupyter_research.manager.job import Job
from jupyter_research.manager.transitions import Transitions

__all__ = ["carried", "desk"]  # Fixtures.


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let sessions work in the one thread of a pool, which another session has left in itself."""
    pool = ThreadPoolExecutor(1)
    pool.submit(set_session_context, "of before").result()

    def thread(self: Transitions, job: Job, attempt: Attempt) -> threading.Thread:
        return threading.Thread(target=lambda: pool.submit(self.crew.perform, job, attempt).result())

    monkeypatch.setattr(Transitions, "_thread", thread)
    yield pool
    pool.shutdown()


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_thread_comes_back_to_its_pool_without_a_session(desk: Desk, pool: ThreadPoolExecutor, end: str):
    working = threading.Event()
    seen: list[str | None] = []

    def function(topic: str) -> str:
        seen.append(get_session_context())
        set_session_context("left behind")
        working.set()
        if end == "failed":
            raise ValueError("no")
        while end == "cancelled":
            time.sleep(0.001)
            with_own_session()
        return "done"

    def with_own_session() -> None:
        assert seen[0] is not None
        set_session_context(seen[0])
        checkpoint()

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    assert working.wait(90)
    if end == "cancelled":
        desk.manager.cancel(ALICE, session_id)
    desk.until(session_id, end)
    assert pool.submit(get_session_context).result(90) is None
    assert seen == [session_id]


def test_a_cancel_reaches_every_thread_of_a_session_at_its_next_update_or_checkpoint(desk: Desk):
    ended: dict[str, type[BaseException]] = {}
    begun = threading.Barrier(6)
    gone = threading.Semaphore(0)
    pool = ThreadPoolExecutor(2)  # Of before the session.
    threads: list[threading.Thread] = []

    def work(name: str, give_way: Callable[[], None]) -> None:
        begun.wait(60)
        try:
            while True:
                time.sleep(0.001)
                try:
                    give_way()
                except Exception:
                    ended[name] = Exception
        except BaseException as error:
            ended[name] = type(error)
            raise
        finally:
            gone.release()

    def say() -> None:
        send_status_update("working")

    def function(topic: str) -> str:
        for name, give_way in (("thread, update", say), ("thread, checkpoint", checkpoint)):
            threads.append(threading.Thread(target=work, args=(name, give_way)))
        for name, give_way in (("pool, update", say), ("pool, checkpoint", checkpoint)):
            pool.submit(work, name, give_way)
        threads.append(threading.Timer(0, work, ("timer, update", say)))
        for thread in threads:
            thread.start()
        work("own thread", checkpoint)
        return ""

    desk.add("function", function)
    session_id = desk.start(researcher="function")
    desk.until(session_id, "researching")
    with desk.grown:
        assert desk.grown.wait_for(lambda: "working" in str(desk.events(session_id)), 90)
    desk.manager.cancel(ALICE, session_id)
    for _ in range(6):
        assert gone.acquire(timeout=60)
    pool.shutdown()
    for thread in threads:
        thread.join()  # What it was ended by goes on to the hook for threads, which is ours until then.
    assert len(ended) == 6
    assert set(ended.values()) == {SessionCancelled}
