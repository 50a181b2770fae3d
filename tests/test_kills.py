"""Kill servers at moments of their work, start them again, and compare what comes of it.

`KILLS=30 CPUS=1 python -m pytest tests/test_kills.py` is the long form; `make soak` runs it on one
processor and on two.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from live import DEADLINE, REPOSITORY, Server, running_server, until

from jupyter_research.events import initial, reduce_all

KILLS = int(os.environ.get("KILLS", "6"))
CPUS = int(os.environ.get("CPUS", "0"))

#: About so many events has the session below: kills fall on all of them.
EVENTS = 120

PYTHONPATH = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent / "counting")])

BODY = {
    "topic": "how does a Jupyter server keep its users apart?",
    "options": {"analysts": 4, "turns": 5, "sources": ["docs"]},
    "approve": "ask",
}


@contextmanager
def server_of(folder: Path) -> Iterator[Server]:
    """Run a server that writes its calls down and has a small library."""
    docs = folder / "root" / "docs"
    if not docs.exists():
        shutil.copytree(REPOSITORY / "docs", docs, ignore=shutil.ignore_patterns("images"))
    with running_server(folder, PYTHONPATH=PYTHONPATH, CALLS=str(folder / "calls")) as server:
        if CPUS and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(server.process.pid, set(sorted(os.sched_getaffinity(0))[:CPUS]))
        yield server


def start(server: Server) -> str:
    """Start the session."""
    return str(server.ask("POST", "research/api/sessions", BODY)["session_id"])


def go_on(server: Server, session_id: str) -> bool:
    """Do what a person does: approve with one analyst more, five, or resume. Tell whether it has ended."""
    path = f"research/api/sessions/{session_id}"
    snapshot = server.session(session_id)
    if snapshot["state"] == "awaiting_approval":
        more = {"id": "money", "name": "Money", "role": "", "affiliation": "", "description": "What it costs"}
        team = {"analysts": [*snapshot["proposal"]["analysts"], more]}
        assert len(team["analysts"]) == 5
        server.ask("POST", f"{path}/approve", {"version": snapshot["version"], "proposal": team})
    elif snapshot["state"] == "interrupted":
        server.ask("POST", f"{path}/resume")
    assert snapshot["state"] != "failed", snapshot["error"]
    return bool(snapshot["state"] == "completed")


def finish(server: Server, session_id: str) -> dict[str, Any]:
    """Let the session come to its end and give the report, without what differs from run to run."""
    until(lambda: go_on(server, session_id), "the end of the session")
    report: dict[str, Any] = server.ask("GET", f"research/api/sessions/{session_id}/report?format=json")
    report["made"].pop("date")
    assert report.pop("session_id") == session_id
    return report


def work_until(server: Server, session_id: str, seq: int) -> bool:
    """Wait for the event `seq`; tell whether it came while the session worked."""
    path = f"research/api/sessions/{session_id}/events?after={seq - 1}&limit=1&wait=1"
    while not go_on(server, session_id):
        if server.ask("GET", path)["events"]:
            return True
    return False


def kill(server: Server) -> None:
    """Take the process away, as a power cut would; wait for its children, which end by themselves."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    server.process.wait()
    _, alive = psutil.wait_procs(children, timeout=DEADLINE)
    assert not alive


def killed_and_resumed(folder: Path, moments: random.Random) -> dict[str, dict[str, Any]]:
    """Run sessions until they have been killed often enough; give their reports."""
    reports: dict[str, dict[str, Any]] = {}
    session_id, kills = "", 0
    while kills < KILLS:
        with server_of(folder) as server:
            session_id = session_id or start(server)
            go_on(server, session_id)
            seq = server.session(session_id)["last_seq"] + moments.randint(1, max(2, 2 * EVENTS // KILLS))
            if not work_until(server, session_id, seq):
                reports[session_id] = finish(server, session_id)
                session_id = ""
                continue
            time.sleep(moments.random() * 0.03)
            kill(server)
            kills += 1
            with (folder / "calls").open("a") as calls:
                calls.write("killed\n")
    with server_of(folder) as server:
        if session_id:
            reports[session_id] = finish(server, session_id)
        for session_id in reports:
            check_log(server, session_id)
    return reports


def check_log(server: Server, session_id: str) -> None:
    answer = server.ask("GET", f"research/api/sessions/{session_id}/events?limit=1000")
    assert [event["seq"] for event in answer["events"]] == list(range(1, answer["last"] + 1))
    snapshot = server.session(session_id)
    assert snapshot["done"] == snapshot["total"]
    snapshot.pop("viewers")
    assert reduce_all(initial(session_id), answer["events"]) == snapshot


def check_calls(folder: Path) -> dict[str, Counter[str]]:
    """Give the calls of each session, each made once but for those that a kill found under way."""
    made: defaultdict[str, Counter[str]] = defaultdict(Counter)
    recorded: set[str] = set()
    under_way: set[str] = set()
    for line in (folder / "calls").read_text().splitlines():
        what, _, call = line.partition(" ")
        if what == "begun":
            assert call not in recorded, f"made again although recorded: {call}"
            assert call not in under_way, f"made twice at once: {call}"
            under_way.add(call)
            session_id, _, key = call.partition(" ")
            made[session_id][key] += 1
        elif what == "recorded":
            recorded.add(call)
            under_way.discard(call)
        else:
            assert len(under_way) <= 5  # As many as there are analysts.
            under_way.clear()
    assert not under_way
    return made


@pytest.mark.slow
@pytest.mark.timeout(120 * (KILLS + 2))
def test_killed_session_pays_for_nothing_twice_and_reports_the_same(tmp_path: Path) -> None:
    with server_of(tmp_path / "calm") as server:
        expected = finish(server, start(server))
    [calm] = check_calls(tmp_path / "calm").values()
    assert set(calm.values()) == {1}
    reports = killed_and_resumed(tmp_path / "killed", random.Random(6))
    stormy = check_calls(tmp_path / "killed")
    assert set(stormy) == set(reports)
    for session_id, report in reports.items():
        assert set(stormy[session_id]) == set(calm)
        assert report == expected
