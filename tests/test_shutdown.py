"""Stop real servers while sessions work that do not give way."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from live import REPOSITORY, Server, running_server, until
from stubborn import OPTIONS, endless_pdf

#: What a server may take to end, in seconds.
#: Five on a machine of its own; a busy one gets more, and the sleeps that are cut short last 600.
PROMPT = 90.0

PYTHONPATH = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent)])


@pytest.fixture(autouse=True)
def sigint_as_at_birth() -> Iterator[None]:
    """Let children have SIGINT, also where the tests run in the background of a shell without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(server: Server, researcher: str, **options: Any) -> str:
    body = {"topic": "words", "researcher": researcher, "options": options}
    return str(server.ask("POST", "research/api/sessions", body)["session_id"])


def asleep(server: Server, session_id: str) -> bool:
    return server.session(session_id)["message"] in ("Asleep.", "Working.")


def parsers(server: Server) -> list[psutil.Process]:
    """Give the server's children that have begun to parse."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if child.cpu_times().user > 1]


def eight_at_work(server: Server) -> list[str]:
    (server.root / "endless.pdf").write_bytes(endless_pdf())
    names = ["asleep", "asleep_in_a_pool", "asleep_in_a_node", "reads_a_socket", "slow", "slow", "slow"]
    sessions = [start(server, name) for name in names]
    for session_id in sessions:
        until(lambda one=session_id: asleep(server, one), "the sleep of a session")
    sessions.append(start(server, "analysts", sources=["endless.pdf"]))
    until(lambda: parsers(server), "a parse")
    return sessions


def states(folder: Path) -> dict[str, str]:
    (path,) = folder.glob("data/research/*/research.sqlite")
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT session_id, state FROM sessions"))
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_with_eight_sessions_at_work_ends_in_time_and_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running_server(tmp_path, *OPTIONS, PYTHONPATH=PYTHONPATH) as server:
        sessions = eight_at_work(server)
        assert {server.session(one)["state"] for one in sessions} <= {"planning", "researching"}
        follower = threading.Thread(target=follow, args=(server, sessions[0]))
        follower.start()
        until(lambda: connected(server), "a connection")
        children = psutil.Process(server.process.pid).children(recursive=True)
        assert children
        begun = time.monotonic()
        server.process.send_signal(number)
        code = server.process.wait(2 * PROMPT)
        took = time.monotonic() - begun
        follower.join()
    assert took < PROMPT
    assert code == 0
    # Where the server has not waited for the end of one that it has killed, it comes in a moment.
    assert psutil.wait_procs(children, timeout=PROMPT)[1] == []
    assert states(tmp_path) == dict.fromkeys(sessions, "interrupted")
    log = (tmp_path / "server.log").read_text()
    assert complaints(log) == []


def connected(server: Server) -> bool:
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    return any(one.status == psutil.CONN_ESTABLISHED for one in connections)


def follow(server: Server, session_id: str) -> None:
    """Wait for news of a session, as a kernel does."""
    request = urllib.request.Request(
        f"{server.url}research/api/sessions/{session_id}/events?after=1000&wait=30",
        headers={"Authorization": f"token {server.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            json.load(answer)
    except (OSError, ValueError):
        pass  # Cut off: that is what a stop does.


def complaints(log: str) -> list[str]:
    """Give the lines of a server's log that nobody should find there."""
    marked = [line for line in log.splitlines() if re.match(r"\[[WEC] |Traceback|Exception|\w*Error", line)]
    return [line for line in marked if not re.search(r"received signal \d+, stopping$", line)]
