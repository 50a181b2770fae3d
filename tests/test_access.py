"""The way from the loop to the runtime."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.access import Access
from jupyter_research.errors import LimitReached, StorageFailed
from jupyter_research.runtime import Runtime, Settings

name: ContextVar[str | None] = ContextVar("name", default=None)


class Socket:
    """Note how it was closed."""

    code: int | None = None

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.code = code


def unbuilt() -> Any:
    raise AssertionError("nobody asked for it")


async def test_runtime_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    built: list[Runtime] = []

    def build() -> Runtime:
        built.append(Runtime(Settings(data_dir=tmp_path)))
        if len(built) == 1:
            raise StorageFailed
        return built[-1]

    access = Access(build)
    with pytest.raises(StorageFailed):
        await access.runtime()
    assert access.opened is None
    assert await access.runtime() is built[1]
    assert await access.runtime() is built[1]
    await access.close()


async def test_blocking_work_runs_in_a_thread_without_the_requests_context() -> None:
    access = Access(unbuilt)
    name.set("the request")
    for call in (access.call, access.render, access.read):
        thread, seen = await call(lambda: (threading.current_thread(), name.get()))
        assert thread is not threading.main_thread()
        assert seen is None
    await access.close()


@pytest.mark.parametrize(("slow", "other"), [("render", "call"), ("read", "call"), ("read", "render")])
async def test_much_slow_work_leaves_room_for_the_rest(slow: str, other: str) -> None:
    access = Access(unbuilt)
    done = threading.Event()
    held = [asyncio.ensure_future(getattr(access, slow)(done.wait, 90)) for _ in range(20)]
    assert await asyncio.wait_for(getattr(access, other)(lambda: "at once"), 60) == "at once"
    done.set()
    await asyncio.gather(*held)
    await access.close()


def test_sockets_are_counted_by_owner() -> None:
    access = Access(unbuilt, max_sockets_per_owner=2)
    first, second = Socket(), Socket()
    access.entered("alice", first)
    assert not access.full("alice")
    access.entered("alice", second)
    assert access.full("alice")
    assert not access.full("bob")
    access.left("alice", first)
    access.left("alice", first)
    assert not access.full("alice")


async def test_closed_access_opens_nothing_any_more(tmp_path: Path) -> None:
    access = Access(lambda: Runtime(Settings(data_dir=tmp_path / "data")))
    socket = Socket()
    access.entered("alice", socket)
    await access.close()
    assert socket.code == 1001
    with pytest.raises(LimitReached):
        await access.runtime()
    assert not (tmp_path / "data").exists()
