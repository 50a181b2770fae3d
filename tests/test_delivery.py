"""The way of an update through a server: whose it is, what may be in it, and what may hold it up."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import older
import pytest
import talkers
from conftest import Person, until
from test_metrics import figures
from test_sockets import follow

from jupyter_research import get_session_context
from jupyter_research.events import MAX_UPDATE_BYTES
from jupyter_research.store.log import MAX_WAITING


@pytest.fixture
def research_config() -> dict[str, Any]:
    own = {"older": "older:research", **talkers.RESEARCHERS}
    return {"researchers": {"steps": "jupyter_research.testing:steps", **own}}


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database's lock in another process."""
    command = [sys.executable, "-c", LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield


async def events_of(me: Person, session_id: str) -> list[dict[str, Any]]:
    return list((await me.get(f"sessions/{session_id}/events?after=0&limit=1000"))["events"])


async def test_three_sessions_at_once_of_a_module_with_one_callback_each_see_their_own(me: Person) -> None:
    topics = ("tides", "moons", "winds")
    ids = {topic: (await me.start(topic, researcher="older"))["session_id"] for topic in topics}
    sockets = {topic: await me.connect() for topic in topics}
    heard = await asyncio.gather(*(follow(sockets[topic], ids[topic], after=0) for topic in topics))
    ways = {"BEGIN": 1, "POOL": 60, "THREAD": 20, "END": 1}
    for topic, frames in zip(topics, heard, strict=True):
        events = frames[ids[topic]]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        updates = [event for event in events if event["kind"] == "status_update"]
        expected = [f"{topic}: {way} {number}" for way, count in ways.items() for number in range(count)]
        assert sorted(event["message"] for event in updates) == sorted(expected)
        assert {event["detail"]["topic"] for event in updates} == {topic}
    assert list(older.POOL.map(lambda _: get_session_context(), range(20))) == [None] * 20


async def test_odd_statuses_are_told_in_a_safe_form_and_never_raise(me: Person) -> None:
    session_id = (await me.start(researcher="odd"))["session_id"]
    socket = await me.connect()
    events = (await follow(socket, session_id, after=0))[session_id]
    told = {event["message"]: event for event in events if event["kind"] == "status_update"}
    for name in (*talkers.ODD, "a circle"):
        event = told[name]
        assert event["detail"]["notes"], name
        assert len(json.dumps(event, ensure_ascii=False).encode()) <= MAX_UPDATE_BYTES, name
    assert "NaN" not in json.dumps(events)
    [long] = [event for event in events if event["step"] == "LONG"]
    assert long["message"].startswith("mmm")
    assert "was cut" in long["detail"]["notes"][0]
    assert events[-1]["kind"] == "research_completed"


async def test_what_a_session_prints_and_logs_stays_out_of_its_log(me: Person) -> None:
    session_id = (await me.start(researcher="prints"))["session_id"]
    await me.until(session_id, "completed")
    assert [event for event in await events_of(me, session_id) if event["kind"] == "status_update"] == []


class TestCapture:
    @pytest.fixture
    def research_config(self) -> dict[str, Any]:
        return {"researchers": talkers.RESEARCHERS, "capture_output": True}

    async def test_what_a_session_prints_and_logs_becomes_status_where_that_is_configured(
        self, me: Person, capfd: pytest.CaptureFixture[str]
    ) -> None:
        session_id = (await me.start("tides", researcher="prints"))["session_id"]
        await me.until(session_id, "completed")
        events = [event for event in await events_of(me, session_id) if event["kind"] == "status_update"]
        assert [(event["step"], event["message"]) for event in events] == [
            ("PRINT", "Printed: tides"),
            ("LOG", "Logged: tides"),
        ]
        assert events[1]["detail"] == {"level": "WARNING", "logger": "their.module"}


async def test_a_session_that_fills_its_share_waits_alone_and_the_metrics_show_it(
    me: Person, data_dir: Path, tmp_path: Path, jp_fetch: Any, jp_serverapp: Any
) -> None:
    async def scrape() -> dict[str, float]:
        return figures((await jp_fetch("metrics")).body.decode())

    async def held() -> bool:
        return (await scrape())["held"] == 1

    go, updates = tmp_path / "go", MAX_WAITING + 1000
    options = {"until": str(go), "updates": updates}
    session_id = (await me.start(researcher="floods", options=options))["session_id"]
    await me.until(session_id, "researching")
    done = (await me.start())["session_id"]
    await me.until(done, "completed")
    [extension] = jp_serverapp.extension_manager.extension_apps["jupyter_research"]
    # The writer is to wait, however long the rest takes.
    extension.access.opened._store._connection.execute("PRAGMA busy_timeout=200000")
    with locked(data_dir / "research.sqlite"):
        go.touch()
        await until(held)
        assert (await scrape())["backlog"] >= MAX_WAITING
        assert (await me.get("health"))["status"] == "healthy"
        assert (await events_of(me, done))[-1]["kind"] == "research_completed"
    snapshot = await me.until(session_id, "completed", "failed")
    assert snapshot["state"] == "completed", snapshot["error"]
    assert snapshot["last_seq"] == updates + 4  # Started, working, ready, completed.
    assert (await scrape())["held"] == 0


@pytest.mark.slow
async def test_a_locked_database_fails_who_writes_in_a_sentence_and_the_others_go_on(
    me: Person, data_dir: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("first", "second")]
    ids = []
    for path in paths:
        options = {"until": str(path), "updates": 10}
        ids.append((await me.start(researcher="floods", options=options))["session_id"])
        await me.until(ids[-1], "researching")

        async def ready(session_id: str = ids[-1]) -> bool:
            return (await me.get(f"sessions/{session_id}"))["step"] == "READY"

        await until(ready)
    before = await events_of(me, ids[0])
    with locked(data_dir / "research.sqlite"):
        paths[0].touch()
        failed = await me.until(ids[0], "failed")
        assert failed["error"]["code"] == "storage"
        assert str(data_dir / "research.sqlite") in failed["error"]["message"]
        assert "Another process holds it" in failed["error"]["message"]
        assert (await me.get("health"))["status"] == "healthy"
        assert (await me.get(f"sessions/{ids[1]}"))["state"] == "researching"
    paths[1].touch()
    assert (await me.until(ids[1], "completed", "failed"))["state"] == "completed"
    assert await events_of(me, ids[0]) == before
    assert (await me.until((await me.start())["session_id"], "completed"))["report_available"]
    await me.post(f"sessions/{ids[0]}/resume")
    await me.until(ids[0], "completed")
    assert (await events_of(me, ids[0]))[: len(before)] == before


async def test_a_paused_session_that_talks_on_the_servers_loop_holds_nobody_up(me: Person) -> None:
    talkers.LOOPS.append(asyncio.get_running_loop())
    session_id = (await me.start(researcher="on_the_loop"))["session_id"]

    async def talks() -> bool:
        return (await me.get(f"sessions/{session_id}"))["step"] == "LOOP"

    await until(talks)
    assert (await me.post(f"sessions/{session_id}/pause"))["state"] == "paused"
    for _ in range(3):
        assert (await me.get("health"))["status"] == "healthy"
        # A loop that was held up would be freed by the test's time limit alone, and the session fail of it.
        assert (await me.get(f"sessions/{session_id}"))["state"] == "paused"
    assert (await me.post(f"sessions/{session_id}/resume"))["state"] == "researching"
    assert (await me.post(f"sessions/{session_id}/cancel"))["state"] == "cancelled"
