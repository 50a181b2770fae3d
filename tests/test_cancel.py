"""Cancel sessions of real servers whose work does not give way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from live import REPOSITORY, Server, running_server, until
from stubborn import OPTIONS, endless_pdf
from test_metrics import figures
from test_shutdown import asleep, parsers, start

#: How soon a person sees that a session is cancelled, and its children are gone, in seconds.
SEEN = 0.5
GONE = 2.0

PYTHONPATH = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent)])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("cancel"), *OPTIONS, PYTHONPATH=PYTHONPATH) as server:
        yield server


def cancel(server: Server, session_id: str) -> float:
    """Cancel, and give the seconds until the session was seen as cancelled."""
    begun = time.monotonic()
    server.ask("POST", f"research/api/sessions/{session_id}/cancel")
    seen = server.session(session_id)
    took = time.monotonic() - begun
    assert seen["state"] == "cancelled"
    return took


def abandoned(server: Server) -> float:
    return figures(server.text("metrics"))["abandoned_threads"]


def test_parse_is_cancelled_with_its_children(server: Server) -> None:
    (server.root / "endless.pdf").write_bytes(endless_pdf())
    session_id = start(server, "analysts", sources=["endless.pdf"])
    children = until(lambda: parsers(server), "a parse")
    assert cancel(server, session_id) < SEEN
    _, alive = psutil.wait_procs(children, timeout=GONE)
    assert alive == []
    until(lambda: abandoned(server) == 0, "the end of the thread")
    events = server.ask("GET", f"research/api/sessions/{session_id}/events")["events"]
    assert [event["kind"] for event in events][-1] == "research_cancelled"


@pytest.mark.parametrize("name", ["asleep", "asleep_in_a_pool", "asleep_in_a_node", "reads_a_socket"])
def test_work_that_does_not_give_way_is_left_behind_and_counted(server: Server, name: str) -> None:
    before = abandoned(server)
    session_id = start(server, name)
    until(lambda: asleep(server, session_id), "the sleep")
    assert cancel(server, session_id) < SEEN
    assert abandoned(server) == before + 1


def test_what_was_left_behind_holds_no_slot(server: Server) -> None:
    for _ in range(3):
        sessions = [start(server, "asleep", seconds=600) for _ in range(8)]
        for session_id in sessions:
            until(lambda one=session_id: asleep(server, one), "the sleep")
            cancel(server, session_id)
    assert server.session(start(server, "slow"))["state"] == "researching"
