"""A real server that is killed, and a viewer of it that stops reading."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psutil
import pytest
import talkers
from live import DEADLINE, REPOSITORY, Server, running_server
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

pytestmark = pytest.mark.slow

#: How often the server is killed: 20 times in `make soak`.
KILLS = int(os.environ.get("KILLS", "4"))

OPTIONS = [f"--ResearchApp.researchers={name}={target}" for name, target in talkers.RESEARCHERS.items()]

PYTHONPATH = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent)])


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[WebSocketClientConnection]:
    url = server.url.replace("http", "ws", 1) + "research/api/ws"
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {server.token}"}))
    try:
        yield socket
    finally:
        socket.close()
        while server.process.poll() is None and await frame(socket) is not None:
            pass  # Until the server has said good-bye.


async def join(socket: WebSocketClientConnection, session_id: str, **options: Any) -> dict[str, Any]:
    """Join, and give the answer."""
    wish = {"type": "join_session", "session_id": session_id, "after": 0, **options}
    await socket.write_message(json.dumps(wish))
    answer = await frame(socket)
    assert answer is not None
    assert answer["type"] == "session_joined"
    return answer


async def frame(socket: WebSocketClientConnection) -> dict[str, Any] | None:
    """Read one frame; None where the server has gone."""
    text = await asyncio.wait_for(socket.read_message(), DEADLINE)
    return None if text is None else json.loads(text)


async def watch_and_kill(server: Server, session_id: str, seconds: float) -> list[dict[str, Any]]:
    """Kill the server some time after the first event that a viewer has seen; give all that it saw."""
    seen: list[dict[str, Any]] = []
    async with connected(server) as socket:
        await join(socket, session_id)
        while (message := await frame(socket)) is not None:
            if not seen:
                asyncio.get_running_loop().call_later(seconds, server.process.kill)
            seen += message["events"]
        server.process.wait()
    return seen


def stored(path: Path, session_id: str) -> list[dict[str, Any]]:
    """Read a session's log as it lies in the file of a dead server."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute(
            "SELECT body FROM events JOIN sessions ON number = session WHERE session_id = ? ORDER BY seq",
            (session_id,),
        )
        return [json.loads(body) for (body,) in rows]


async def come_back(server: Server, session_id: str, seen: list[dict[str, Any]], log: str) -> None:
    """Rejoin from the last event that was seen; another life of the log sends everything again."""
    events: list[dict[str, Any]] = []
    async with connected(server) as socket:
        answer = await join(socket, session_id, after=seen[-1]["seq"], log=log)
        while len(events) < answer["last"]:
            message = await frame(socket)
            assert message is not None
            events += message["events"]
    assert answer["reset"] is True
    assert answer["snapshot"]["state"] == "interrupted"
    assert events[: len(seen)] == seen
    assert [event["seq"] for event in events] == list(range(1, answer["last"] + 1))


@pytest.mark.timeout(120 * (KILLS + 2))
def test_killed_server_has_kept_all_that_was_seen_and_a_prefix_of_what_was_said(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    before: tuple[str, list[dict[str, Any]]] | None = None
    for trial in range(KILLS + 1):
        with running_server(tmp_path, *OPTIONS, PYTHONPATH=PYTHONPATH) as server:
            if before is not None:
                asyncio.run(come_back(server, *before, "the log of before"))
            if trial == KILLS:
                break
            body = {"topic": str(trial), "researcher": "endless"}
            session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
            seen = asyncio.run(watch_and_kill(server, session_id, moments.uniform(0, 0.5)))
        [path] = tmp_path.glob("data/research/*/research.sqlite")
        kept = stored(path, session_id)
        why = f"trial {trial} of seed {seed}"
        assert kept[: len(seen)] == seen, why
        assert [event["seq"] for event in kept] == list(range(1, len(kept) + 1)), why
        said = [event for event in kept if event["kind"] == "status_update"]
        assert [event["step_number"] for event in said] == list(range(1, len(said) + 1)), why
        assert {event["detail"]["topic"] for event in said} == {str(trial)}, why
        before = session_id, seen


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path, *OPTIONS, PYTHONPATH=PYTHONPATH) as server:
        yield server


def memory(server: Server) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


def test_viewer_that_reads_nothing_costs_little_holds_nobody_up_and_gets_all_in_the_end(
    server: Server, tmp_path: Path
) -> None:
    updates, size = 30_000, 1000

    async def follow(socket: WebSocketClientConnection) -> list[int]:
        seqs: list[int] = []
        while (message := await frame(socket)) is not None:
            seqs += [event["seq"] for event in message["events"]]
            if message["events"][-1]["kind"] == "research_completed":
                break
        return seqs

    async def watch(name: str, *, stalled: int) -> int:
        """Let one viewer read and others not; give the memory that the server took, in bytes."""
        go = tmp_path / name
        options = {"until": str(go), "updates": updates, "size": size}
        body = {"topic": name, "researcher": "floods", "options": options}
        session_id = (await asyncio.to_thread(server.ask, "POST", "research/api/sessions", body))[
            "session_id"
        ]
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(connected(server)) for _ in range(stalled + 1)]
            for socket in sockets:
                await join(socket, session_id)
            before = memory(server)
            go.touch()
            expected = list(range(1, updates + 5))
            assert await follow(sockets[0]) == expected
            took = memory(server) - before
            for socket in sockets[1:]:
                assert await follow(socket) == expected
        return took

    asyncio.run(watch("warms up", stalled=0))
    alone = asyncio.run(watch("alone", stalled=0))
    # Five who read nothing: 150 MB lie ready for them, and all of it in memory would be 180.
    assert asyncio.run(watch("with others", stalled=5)) - alone < 60_000_000
