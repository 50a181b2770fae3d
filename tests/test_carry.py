"""Each row of the table in docs/howto/your-own-researcher.md: what carries a session, and what cannot."""

from __future__ import annotations

import _thread
import asyncio
import multiprocessing
import operator
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import Context
from multiprocessing.pool import ThreadPool
from typing import Annotated, Any, TypedDict

import pytest

from jupyter_research.carry import Bound, Carriers, carriers
from jupyter_research.context import Binding, attempt_context, get_session_context, send_status_update
from jupyter_research.errors import SessionCancelled

Seen = list[str | None]


class Whole(TypedDict):
    seen: Annotated[list, operator.add]


class Notes:
    """Be a sink that remembers which session its updates came from."""

    def __init__(self) -> None:
        self.closed = False
        self.updates: list[Any] = []

    def status(self, message: Any, status: Any) -> None:
        self.updates.append(message)

    def checkpoint(self) -> None:
        pass

    def approval(self, question: str, proposal: Any) -> Any:
        return proposal


@pytest.fixture(autouse=True)
def carried() -> Iterator[None]:
    carriers.install()
    yield
    carriers.remove()


def in_session(name: str, work: Callable[[], Any]) -> Any:
    with attempt_context(Binding(session_id=name, attempt=1, sink=Notes())):
        return work()


def by_thread() -> Seen:
    seen: Seen = []
    thread = threading.Thread(target=lambda: seen.append(get_session_context()))
    thread.start()
    thread.join()
    return seen


def by_subclassed_thread() -> Seen:
    class Worker(threading.Thread):
        seen: str | None = "nothing"

        def run(self) -> None:
            self.seen = get_session_context()

    worker = Worker()
    worker.start()
    worker.join()
    return [worker.seen]


def by_timer() -> Seen:
    seen: Seen = []
    timer = threading.Timer(0, lambda: seen.append(get_session_context()))
    timer.start()
    timer.join()
    return seen


def by_executor_submit() -> Seen:
    with ThreadPoolExecutor(2) as pool:
        return [pool.submit(get_session_context).result() for _ in range(3)]


def by_executor_map() -> Seen:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: get_session_context(), range(5)))


def by_done_callback() -> Seen:
    seen: Seen = []
    called = threading.Event()
    started = threading.Event()

    def callback(future: Future[Any]) -> None:
        seen.append(get_session_context())
        called.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(started.wait, 60)
        future.add_done_callback(callback)
        started.set()
        assert called.wait(60)
    return seen


def by_run_in_executor() -> Seen:
    async def work() -> Seen:
        return [await asyncio.get_running_loop().run_in_executor(None, get_session_context)]

    return asyncio.run(work())


def by_to_thread() -> Seen:
    async def work() -> Seen:
        return [await asyncio.to_thread(get_session_context)]

    return asyncio.run(work())


def by_task() -> Seen:
    async def look() -> str | None:
        return get_session_context()

    async def work() -> Seen:
        return list(await asyncio.gather(look(), asyncio.create_task(look())))

    return asyncio.run(work())


def by_nested_pools() -> Seen:
    def inner() -> Seen:
        with ThreadPoolExecutor(1) as pool:
            return [*by_thread(), pool.submit(get_session_context).result(), *by_task()]

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(inner).result()


def by_thread_pool() -> Seen:
    seen: Seen = []
    called = threading.Event()

    def callback(result: Any) -> None:
        seen.append(get_session_context())
        called.set()

    with ThreadPool(2) as pool:
        seen += pool.map(lambda _: get_session_context(), range(4))
        seen += pool.starmap(lambda *_: get_session_context(), [(1, 2)])
        seen += pool.imap(lambda _: get_session_context(), range(2))
        seen += pool.imap_unordered(lambda _: get_session_context(), range(2))
        seen.append(pool.apply(get_session_context))
        pool.apply_async(get_session_context, (), {}, callback)
        assert called.wait(60)
    return seen


def by_joblib() -> Seen:
    import joblib

    work = (joblib.delayed(get_session_context)() for _ in range(40))
    return list(joblib.Parallel(n_jobs=2, backend="threading", pre_dispatch=2, batch_size=1)(work))


def by_langgraph(how: str) -> Seen:
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Send

    def look(state: Any) -> dict[str, Any]:
        return {"seen": [get_session_context()]}

    inner = StateGraph(Whole)
    inner.add_node("left", look)
    inner.add_node("right", look)
    inner.add_edge(START, "left")
    inner.add_edge(START, "right")
    outer = StateGraph(Whole)
    outer.add_node("plan", look)
    outer.add_node("branch", inner.compile())
    outer.add_node("final", look)
    outer.add_edge(START, "plan")
    outer.add_conditional_edges("plan", lambda state: [Send("branch", {"seen": []})] * 3, ["branch"])
    outer.add_edge("branch", "final")
    outer.add_edge("final", END)
    graph = outer.compile()
    if how == "invoke":
        return graph.invoke({"seen": []})["seen"]
    if how == "stream":
        return list(graph.stream({"seen": []}, stream_mode="values"))[-1]["seen"]
    return asyncio.run(graph.ainvoke({"seen": []}))["seen"]


def by_other_process() -> Seen:
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        return [pool.submit(get_session_context).result(60)]


def by_callbacks_of_processes() -> Seen:
    seen: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def callback(result: Any) -> None:
        seen.put(get_session_context())

    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        pool.submit(pow, 2, 3).add_done_callback(callback)
        first = seen.get(timeout=60)
    with SPAWN.Pool(1) as older:
        older.apply_async(pow, (2, 3), {}, callback)
        older.map_async(abs, [1], callback=callback)
        return [first, seen.get(timeout=60), seen.get(timeout=60)]


def by_bare_thread() -> Seen:
    seen: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    _thread.start_new_thread(lambda: seen.put(get_session_context()), ())
    return [seen.get(timeout=60)]


def by_own_queue() -> Seen:
    seen: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    OWN_TASKS.put(lambda: seen.put(get_session_context()))
    return [seen.get(timeout=60)]


def by_pool_of_before() -> Seen:
    return list(OWN_POOL.map(lambda _: get_session_context(), range(5)))


def _serve() -> None:
    while True:
        OWN_TASKS.get()()


SPAWN = multiprocessing.get_context("spawn")

#: Made by the module, as research code does: shared by all sessions.
OWN_POOL = ThreadPoolExecutor(2)
OWN_TASKS: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
threading.Thread(target=_serve, daemon=True).start()


WAYS = {
    "Thread": by_thread,
    "subclass of Thread": by_subclassed_thread,
    "Timer": by_timer,
    "ThreadPoolExecutor.submit": by_executor_submit,
    "ThreadPoolExecutor.map": by_executor_map,
    "pool of before": by_pool_of_before,
    "Future.add_done_callback": by_done_callback,
    "loop.run_in_executor": by_run_in_executor,
    "asyncio.to_thread": by_to_thread,
    "tasks": by_task,
    "nested": by_nested_pools,
    "callbacks of processes": by_callbacks_of_processes,
    "ThreadPool": by_thread_pool,
    "joblib": by_joblib,
    "LangGraph invoke": lambda: by_langgraph("invoke"),
    "LangGraph stream": lambda: by_langgraph("stream"),
    "LangGraph ainvoke": lambda: by_langgraph("ainvoke"),
}


#: The rows of the table that say yes, and the ways that show each.
CARRIED = {
    "`threading.Thread`, subclasses of it, `threading.Timer`": ("Thread", "subclass of Thread", "Timer"),
    "`ThreadPoolExecutor.submit` and `.map`, also of a pool that several sessions share": (
        "ThreadPoolExecutor.submit",
        "ThreadPoolExecutor.map",
        "pool of before",
    ),
    "callbacks added by `Future.add_done_callback`": ("Future.add_done_callback",),
    "`loop.run_in_executor`, `asyncio.to_thread`, tasks": (
        "loop.run_in_executor",
        "asyncio.to_thread",
        "tasks",
    ),
    "`multiprocessing.pool.ThreadPool` with its callbacks": ("ThreadPool",),
    "`joblib` with the threading backend": ("joblib",),
    "LangGraph: `invoke`, `stream`, `ainvoke`, parallel branches and subgraphs": (
        "LangGraph invoke",
        "LangGraph stream",
        "LangGraph ainvoke",
    ),
    "combinations of these, one inside the other": ("nested",),
    "`ProcessPoolExecutor`, `multiprocessing.Pool`: what is done in this process when a result is there, "
    "such as callbacks": ("callbacks of processes",),
}

#: The rows that say no.
NOT_CARRIED: dict[str, Callable[[], Seen]] = {
    "`ProcessPoolExecutor`, `multiprocessing`, other backends of `joblib`, Dask: what is done in the other "
    "process": by_other_process,
    "`_thread.start_new_thread`, threads that a C library starts": by_bare_thread,
    "a thread of yours from before the session that takes tasks from a queue of yours": by_own_queue,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_session_follows_the_work(way: str):
    seen = in_session("abc", WAYS[way])
    assert seen and set(seen) == {"abc"}, seen


@pytest.mark.parametrize("way", WAYS)
def test_outside_a_session_there_is_none(way: str):
    seen = WAYS[way]()
    assert seen and set(seen) == {None}, seen


@pytest.mark.parametrize("row", NOT_CARRIED)
def test_the_session_does_not_get_there_by_itself(row: str):
    assert set(in_session("abc", NOT_CARRIED[row])) == {None}


def test_every_way_stands_in_the_table():
    assert sorted(WAYS) == sorted(way for ways in CARRIED.values() for way in ways)


@pytest.mark.parametrize(
    "way", [*CARRIED[next(row for row in CARRIED if "LangGraph" in row)], "tasks", "asyncio.to_thread"]
)
def test_without_the_carriers_python_and_langgraph_carry_it_still(way: str):
    carriers.remove()
    try:
        assert set(in_session("abc", WAYS[way])) == {"abc"}
    finally:
        carriers.install()


def test_a_shared_pool_serves_each_session_as_itself_and_strangers_as_nobody():
    with ThreadPoolExecutor(2) as pool:
        for name in ("one", "two", "three"):
            assert in_session(name, lambda: pool.submit(get_session_context).result()) == name
            assert pool.submit(get_session_context).result() is None


def test_a_shared_thread_pool_does_not_keep_the_session_that_made_it():
    pool = in_session("one", lambda: ThreadPool(2))
    try:
        assert pool.map(lambda _: get_session_context(), range(8)) == [None] * 8
        assert in_session("two", lambda: pool.apply(get_session_context)) == "two"
    finally:
        pool.terminate()


def test_a_pool_of_processes_lives_in_no_session_and_its_callbacks_in_their_own():
    called: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def callback(result: Any) -> None:
        called.put(get_session_context())

    with in_session("one", lambda: ProcessPoolExecutor(1, mp_context=SPAWN)) as pool:
        assert in_session("one", lambda: pool.submit(get_session_context)).result(60) is None
        for name in ("two", None):
            ask = lambda: pool.submit(pow, 2, 3).add_done_callback(callback)  # noqa: E731
            in_session(name, ask) if name else ask()
            assert called.get(timeout=60) == name
    with in_session("one", lambda: SPAWN.Pool(1)) as older:
        for name in ("two", None):
            ask = lambda: older.apply_async(pow, (2, 3), {}, callback)  # noqa: E731
            in_session(name, ask) if name else ask()
            assert called.get(timeout=60) == name


def test_a_task_that_goes_to_another_interpreter_goes_as_itself():
    assert pickle.loads(pickle.dumps(Bound(len, Binding(session_id="abc")))) is len


def test_a_thread_that_cannot_start_keeps_no_session(monkeypatch: pytest.MonkeyPatch):
    seen: Seen = []
    thread = threading.Thread(target=lambda: seen.append(get_session_context()))

    def full(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    carriers.remove()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", full)
        carriers.install()
        with pytest.raises(RuntimeError):
            in_session("abc", thread.start)
        carriers.remove()
    carriers.install()
    thread.start()
    thread.join()
    assert seen == [None]


@pytest.mark.parametrize("given", [None, Context()])
def test_a_thread_with_a_context_of_its_own_is_carried_unless_it_was_given_one(
    monkeypatch: pytest.MonkeyPatch, given: Context | None
):
    # As from Python 3.14 on, where `start` makes an empty context and `run` is called in it.
    class Newer(threading.Thread):
        def __init__(self) -> None:
            super().__init__()
            self._context = given
            self.seen: Seen = []

        def run(self) -> None:
            assert self._context is not None
            self._context.run(lambda: self.seen.append(get_session_context()))

    carriers.remove()
    start = threading.Thread.start

    def newer_start(self: threading.Thread) -> None:
        if vars(self).get("_context", given) is None:
            self._context = Context()  # type: ignore[attr-defined]
        start(self)

    def work() -> Seen:
        thread = Newer()
        thread.start()
        thread.join()
        return thread.seen

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", newer_start)
        carriers.install()
        assert in_session("abc", work) == ["abc" if given is None else None]
        assert work() == [None]
        carriers.remove()
    carriers.install()


def test_a_thread_that_lets_nobody_set_its_attributes_is_carried_too():
    class Closed(threading.Thread):
        seen: str | None = "nothing"

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_") and name != "seen":
                raise AttributeError(name)
            if "research" in name:
                raise AttributeError(name)
            super().__setattr__(name, value)

        def run(self) -> None:
            self.seen = get_session_context()

    def work() -> str | None:
        thread = Closed(daemon=True)
        thread.start()
        thread.join()
        return thread.seen

    assert in_session("abc", work) == "abc"


def test_workers_that_a_session_started_come_back_without_it():
    pool = ThreadPoolExecutor(4)
    barrier = threading.Barrier(4)
    try:
        in_session("one", lambda: list(pool.map(lambda _: barrier.wait(), range(4))))
        assert [pool.submit(get_session_context).result() for _ in range(8)] == [None] * 8
    finally:
        pool.shutdown()


def test_a_thread_that_outlives_its_attempt_has_no_session_any_more():
    sink = Notes()
    gone = threading.Event()
    seen: Seen = []

    def work() -> None:
        gone.wait(60)
        seen.append(get_session_context())

    with attempt_context(Binding(session_id="abc", attempt=1, sink=sink)):
        thread = threading.Thread(target=work)
        thread.start()
        sink.closed = True
    gone.set()
    thread.join()
    assert seen == [None]


def test_a_cancellation_is_quiet_in_a_thread_and_other_errors_are_not(capsys: pytest.CaptureFixture[str]):
    def cancelled() -> None:
        raise SessionCancelled

    def broken() -> None:
        raise ValueError("this must be seen")

    def run(target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()

    hook = threading.excepthook
    heard: list[Any] = []
    carriers.remove()
    threading.excepthook = lambda args, /: heard.append(args.exc_type)
    carriers.install()
    try:
        in_session("abc", lambda: run(cancelled))
        in_session("abc", lambda: run(broken))
    finally:
        carriers.remove()
        threading.excepthook = hook
        carriers.install()
    assert heard == [ValueError]


def test_two_runtimes_put_in_and_take_back_once():
    carriers.remove()
    before = (threading.Thread.start, ThreadPoolExecutor.submit, ThreadPool.__init__, threading.excepthook)
    own = Carriers()
    own.install()
    own.install()
    assert threading.Thread.start is not before[0]
    own.remove()
    assert threading.Thread.start is not before[0]
    own.remove()
    after = (threading.Thread.start, ThreadPoolExecutor.submit, ThreadPool.__init__, threading.excepthook)
    assert after == before
    carriers.install()


def test_what_somebody_else_put_on_top_stays():
    carriers.remove()
    own = Carriers()
    original = threading.Thread.start
    own.install()
    ours = threading.Thread.start

    def theirs(self: threading.Thread) -> None:
        ours(self)

    threading.Thread.start = theirs  # type: ignore[method-assign]
    try:
        own.remove()
        assert threading.Thread.start is theirs
        assert by_thread() == [None]
    finally:
        threading.Thread.start = original  # type: ignore[method-assign]
        carriers.install()


def test_threading_local_of_ones_own_and_pickling_go_on_as_before():
    local = threading.local()

    def work(value: int) -> int:
        local.value = value
        send_status_update(str(value))
        return local.value

    with ThreadPoolExecutor(4) as pool:
        assert in_session("abc", lambda: list(pool.map(work, range(20)))) == list(range(20))
    assert pickle.loads(pickle.dumps(ThreadPoolExecutor)) is ThreadPoolExecutor
    assert pickle.loads(pickle.dumps(threading.Thread)) is threading.Thread


LATE_WORKER = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from jupyter_research.carry import carriers, disown_workers
from jupyter_research.context import Binding, attempt_context

class Sink:
    closed = False

carriers.install()
sink, submitted, started = Sink(), threading.Event(), threading.Event()

def session():
    with attempt_context(Binding(session_id="abc", attempt=1, sink=sink)):
        ThreadPoolExecutor(1).submit(lambda: (started.set(), time.sleep(600)))
        submitted.set()

threading.Thread(target=session, daemon=True).start()  # Its workers are daemons, and joined all the same.
submitted.wait()
started.wait()
sink.closed = sys.argv[1] == "closed"
print(disown_workers(), flush=True)
"""


def test_a_worker_that_is_busy_for_a_closed_attempt_does_not_hold_the_process():
    done = subprocess.run(
        [sys.executable, "-c", LATE_WORKER, "closed"], capture_output=True, text=True, timeout=200
    )
    assert (done.stdout.strip(), done.returncode) == ("1", 0)


def test_a_worker_of_an_attempt_that_goes_on_is_waited_for():
    child = subprocess.Popen([sys.executable, "-c", LATE_WORKER, "open"], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline().strip() == "0"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(2)
    finally:
        child.kill()
        child.communicate()
