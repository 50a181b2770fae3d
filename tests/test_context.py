from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_research import context
from jupyter_research.context import (
    Binding,
    attempt_context,
    checkpoint,
    clear_session_context,
    get_session_context,
    request_approval,
    send_status_update,
    session_context,
    set_session_context,
)


class Notes:
    """Be a sink that remembers."""

    def __init__(self) -> None:
        self.closed = False
        self.updates: list[Any] = []

    def status(self, message: Any, status: Any) -> None:
        self.updates.append((message, status))

    def checkpoint(self) -> None:
        self.updates.append("checkpoint")

    def approval(self, question: str, proposal: Any) -> Any:
        return {"approved": proposal}


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture(autouse=True)
def unbound() -> Iterator[None]:
    yield
    clear_session_context()


def test_outside_a_session_nothing_happens_and_nothing_raises():
    assert get_session_context() is None
    send_status_update("hello", {"step": "X"})
    checkpoint()
    assert request_approval("Good?", [1, 2]) == [1, 2]


def test_outside_a_runtime_the_id_alone_is_bound():
    set_session_context("abc")
    assert get_session_context() == "abc"
    send_status_update("dropped")
    clear_session_context()
    assert get_session_context() is None


def test_a_with_block_restores_what_was_bound_before_it_also_after_an_error():
    set_session_context("outer")
    with pytest.raises(RuntimeError), session_context("inner"):
        assert get_session_context() == "inner"
        raise RuntimeError
    assert get_session_context() == "outer"


def test_updates_of_an_attempt_reach_its_sink(notes: Notes):
    with attempt_context(Binding(session_id="abc", attempt=1, sink=notes)):
        send_status_update("hello", {"step": "X"})
        checkpoint()
        assert request_approval("Good?", 1) == {"approved": 1}
    assert notes.updates == [("hello", {"step": "X"}), "checkpoint"]
    assert get_session_context() is None


def test_a_closed_attempt_answers_none(notes: Notes):
    with attempt_context(Binding(session_id="abc", attempt=1, sink=notes)):
        notes.closed = True
        assert get_session_context() is None


def test_code_from_nowhere_can_name_its_session_while_it_works(notes: Notes):
    def foreign() -> None:
        with session_context("abc"):
            send_status_update("from nowhere")

    with attempt_context(Binding(session_id="abc", attempt=1, sink=notes)):
        thread = threading.Thread(target=foreign)
        thread.start()
        thread.join()
    assert notes.updates == [("from nowhere", None)]
    assert not context._attempts


def test_tasks_and_to_thread_keep_the_session_by_themselves(notes: Notes):
    async def work() -> list[str | None]:
        task = asyncio.create_task(asyncio.sleep(0, get_session_context()))
        return [await task, await asyncio.to_thread(get_session_context)]

    with attempt_context(Binding(session_id="abc", attempt=1, sink=notes)):
        assert asyncio.run(work()) == ["abc", "abc"]


def _answer(queue: Any) -> None:
    queue.put(get_session_context())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_no_session_but_the_one_it_is_told(notes: Notes):
    processes = multiprocessing.get_context("fork")
    with attempt_context(Binding(session_id="abc", attempt=1, sink=notes)):
        queue = processes.SimpleQueue()
        child = processes.Process(target=_answer, args=(queue,))
        child.start()
        assert queue.get() is None
        child.join()


def test_two_sessions_in_two_threads_never_meet():
    sinks = [Notes(), Notes()]
    barrier = threading.Barrier(2)

    def work(number: int) -> None:
        with attempt_context(Binding(session_id=f"s{number}", attempt=1, sink=sinks[number])):
            for index in range(500):
                if index % 100 == 0:
                    barrier.wait()
                send_status_update(f"{number}:{index}")

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, sink in enumerate(sinks):
        assert [message for message, _ in sink.updates] == [f"{number}:{index}" for index in range(500)]
