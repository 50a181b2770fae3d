"""Let nonsense come in by every door: each route with what its description allows and what it does not,
and the socket with whatever is sent.

`NONSENSE=600 python -m pytest tests/test_nonsense.py` takes longer over the routes; `make soak` does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import websocket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import Server, running_server, until

#: Seconds that the routes are tried for, and how many cases these have to be: a slow machine tries again,
#: from other seeds, until it has as many.
SECONDS = int(os.environ.get("NONSENSE", "60"))
CASES, TRIES = 2000, 10

#: How many messages the socket gets, and in how many goes.
MESSAGES, GOES = 5000, 50

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("nonsense")) as server:
        (server.root / "tides.md").write_text("# Tides\n\nThe tide rises because the moon pulls.\n")
        yield server


def faults(server: Server) -> list[str]:
    """Give the lines of the server's log that tell of an exception."""
    lines = (server.folder / "server.log").read_text().splitlines()
    return [line for line in lines if re.match(r"\[[EC] |Traceback|\s+raise |Exception in", line)]


def try_routes(server: Server, seed: int) -> int:
    """Send what the description allows and what it forbids to every route; give the number of requests."""
    description = server.folder / "openapi.yaml"
    description.write_text(server.text("research/api/openapi.yaml"))
    options = {
        "--url": f"{server.url}research/api",
        "--header": f"Authorization: token {server.token}",
        "--max-time": str(SECONDS),
        "--max-examples": "200",
        "--generation-database": "none",
        "--suppress-health-check": "all",
        "--seed": str(seed),
    }
    command = [sys.executable, "-m", "schemathesis.cli"]
    command += [f"--config-file={Path(__file__).parent / 'schemathesis.toml'}", "run", str(description)]
    command += ["--continue-on-failure", "--no-shrink", "--no-color"]
    command += [f"{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=server.folder, timeout=SECONDS + 300)
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
    selected = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", done.stdout)
    assert selected is not None and len(set(selected.groups())) == 1, done.stdout
    return int(generated[1])


@pytest.mark.timeout(TRIES * (SECONDS + 300))
def test_no_request_that_the_description_allows_or_forbids_is_answered_with_a_fault(server: Server) -> None:
    cases = 0
    for seed in range(TRIES):
        cases += try_routes(server, seed)
        if cases >= CASES:
            break
    assert cases >= CASES
    assert faults(server) == []
    assert server.ask("GET", "research/api/health")["status"] == "healthy"


WORDS = st.sampled_from(["join_session", "leave_session", "", "events", "__class__"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def wishes(session_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """Make messages that are nearly right, some of them quite."""
    ids = st.just(session_id) | st.uuids().map(lambda one: one.hex) | ANYTHING
    return st.fixed_dictionaries(
        {"type": WORDS | ANYTHING, "session_id": ids},
        optional={"after": st.integers() | ANYTHING, "log": st.text(max_size=40) | ANYTHING, "x": ANYTHING},
    )


def connect(server: Server) -> websocket.WebSocket:
    url = server.url.replace("http", "ws", 1) + "research/api/ws"
    return websocket.create_connection(url, header=[f"Authorization: token {server.token}"], timeout=60)


def answered(socket: websocket.WebSocket) -> bool:
    """Ask for a session that is not, and read up to the answer to that; tell whether the line held."""
    unknown = uuid.uuid4().hex
    try:
        socket.send(json.dumps({"type": "join_session", "session_id": unknown}))
        while True:
            text = socket.recv()
            if not text:
                return False
            message = json.loads(text)
            if message["type"] == "error" and message["session_id"] == unknown:
                return bool(message["code"] == "not_found")
    except (OSError, websocket.WebSocketException):
        return False


@pytest.mark.timeout(280)
def test_socket_answers_after_any_messages_and_the_log_has_no_exception(
    server: Server, request: pytest.FixtureRequest
) -> None:
    body = {"topic": "what?", "researcher": "steps"}
    session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
    until(lambda: server.session(session_id)["state"] == "completed", "the end")
    sent = [0]
    socket = connect(server)
    request.addfinalizer(socket.close)
    texts = st.text(max_size=200) | ANYTHING.map(json.dumps) | wishes(session_id).map(json.dumps)
    size = MESSAGES // GOES

    @settings(max_examples=GOES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(texts | st.binary(max_size=200), min_size=size, max_size=size))
    def send(messages: list[str | bytes]) -> None:
        for message in messages:
            if isinstance(message, bytes):
                socket.send_binary(message)
            else:
                socket.send(message.encode("utf-8", "replace").decode())
            sent[0] += 1
        assert answered(socket)

    send()
    assert sent[0] >= MESSAGES
    socket.close()
    # A message beyond the largest ends that one connection, and the next is as good as any.
    with closing(connect(server)) as too_long:
        with suppress(OSError):  # Cut off before it is all sent.
            too_long.send("x" * 10_000_000)
        assert not answered(too_long)
    with closing(connect(server)) as fresh:
        assert answered(fresh)
    assert faults(server) == []
