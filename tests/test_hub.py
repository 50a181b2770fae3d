"""A real JupyterHub with its proxy: people, a guest, a service, and one server that they share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import websocket
from live import REPOSITORY

pytestmark = pytest.mark.slow

DEADLINE = 90
SERVICE = "a-token-of-the-service-0123456789"
NAMESAKE = "a-token-of-the-namesake-0123456789"

HUB_CONFIG = """
import sys
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--config={folder}/server.py"]
c.Spawner.environment = {{"PYTHONPATH": {repository!r}, "JUPYTERHUB_ACTIVITY_INTERVAL": "1"}}
c.JupyterHub.last_activity_interval = 1
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.services = [
    {{"name": "driver", "api_token": {service!r}}}, {{"name": "alice", "api_token": {namesake!r}}},
]
scopes = ["admin:users", "admin:servers", "tokens", "shares", "access:servers", "read:users:activity"]
c.JupyterHub.load_roles = [{{"name": "drivers", "services": ["driver", "alice"], "scopes": scopes}}]
"""

SERVER_CONFIG = """
from jupyter_research import app, sockets
c = get_config()
c.ServerApp.jpserver_extensions = {
    "jupyter_research": True, "jupyterlab": False, "jupyter_lsp": False, "notebook_shim": False,
    "jupyter_server_terminals": False,
}
c.ServerApp.default_url = "/api"
c.ResearchApp.researchers = {name: f"jupyter_research.testing:{name}" for name in ("steps", "slow", "asks")}
# A minute, and five seconds, are long in a test.
sockets.SessionSocket.recheck_seconds = 1
app._SIGN_OF_LIFE = 0.5
"""


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def until(look: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen in time")


class Hub:
    """Drive the Hub as its service, and the server of alice as anybody."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.tokens = {"driver": SERVICE, "namesake": NAMESAKE}

    def ask(self, who: str, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request and give status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.tokens[who]}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.host}{path}", data=data, method=verb, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
                return error.code, json.loads(text) if text.startswith("{") else text

    def hub(self, verb: str, path: str, body: Any = None) -> Any:
        """Command the Hub."""
        status, answer = self.ask("driver", verb, f"/hub/api{path}", body)
        assert status < 300, (status, answer)
        return answer

    def research(self, who: str, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the server of alice."""
        return self.ask(who, verb, f"/user/alice/research/api/{path}", body)

    def start(self, who: str, researcher: str = "slow", **fields: Any) -> dict[str, Any]:
        """Start a session on the server of alice."""
        body = {"topic": "x", "researcher": researcher, **fields}
        status, snapshot = self.research(who, "POST", "sessions", body)
        assert status == 202, snapshot
        return dict(snapshot)

    def let_in(self, who: str) -> None:
        """Share the server, and give a token that the server's cache does not know."""
        self.hub("POST", "/shares/alice/", {"user": who})
        self.tokens[who] = self.hub("POST", f"/users/{who}/tokens", {})["token"]

    def server(self) -> dict[str, Any] | None:
        """Give what the Hub knows about the server of alice, while it runs."""
        found: dict[str, Any] | None = self.hub("GET", "/users/alice")["servers"].get("")
        return found if found is not None and found["ready"] else None


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    proxy = shutil.which("configurable-http-proxy")
    assert proxy is not None, "JupyterHub's proxy is missing: `make test` installs it into the environment"
    folder = tmp_path_factory.mktemp("hub")
    port, hub_port, proxy_port = free_ports(3)
    config = HUB_CONFIG.format(
        port=port, hub_port=hub_port, proxy_port=proxy_port, proxy=proxy, folder=folder,
        repository=str(REPOSITORY), service=SERVICE, namesake=NAMESAKE,
    )  # fmt: skip
    (folder / "hub.py").write_text(config)
    (folder / "server.py").write_text(SERVER_CONFIG)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY_", "PYTEST"))
    }
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(folder / "hub.py")],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        hub = Hub(port)
        until(lambda: _answers(hub), "the start of the Hub")
        for name in ("alice", "bob"):
            hub.hub("POST", f"/users/{name}")
            hub.tokens[name] = hub.hub("POST", f"/users/{name}/tokens", {})["token"]
        hub.hub("POST", "/users/alice/server", {})
        until(hub.server, "the start of the server")
        yield hub
    finally:
        process.terminate()
        process.wait(DEADLINE)
        # A Hub that is stopped while it starts leaves its proxy behind.
        left = folder / "jupyterhub-proxy.pid"
        if left.exists():
            os.kill(int(left.read_text()), signal.SIGTERM)


def _answers(hub: Hub) -> bool:
    try:
        return hub.ask("driver", "GET", "/hub/api/")[0] == 200
    except OSError:
        return False


def test_person_without_a_share_is_refused(hub: Hub) -> None:
    status, answer = hub.research("bob", "GET", "health")
    assert (status, answer["code"]) == (403, "unauthenticated")


def test_host_and_guest_see_and_command_their_own_sessions_alone(hub: Hub) -> None:
    hub.let_in("bob")
    sessions = {who: hub.start(who) for who in ("alice", "bob")}
    assert {who: session["owner"] for who, session in sessions.items()} == {"alice": "alice", "bob": "bob"}
    for who, other in (("alice", "bob"), ("bob", "alice")):
        own, theirs = sessions[who]["session_id"], sessions[other]["session_id"]
        assert hub.research(who, "GET", f"sessions/{own}")[0] == 200
        listed = hub.research(who, "GET", "sessions")[1]["sessions"]
        assert [session["session_id"] for session in listed] == [own]
        for verb, path in (
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/report"),
            ("POST", "/cancel"),
            ("DELETE", ""),
        ):
            assert hub.research(who, verb, f"sessions/{theirs}{path}")[0] == 404
    for who, session in sessions.items():
        assert hub.research(who, "DELETE", f"sessions/{session['session_id']}")[0] == 204


def test_service_of_a_users_name_is_not_that_user(hub: Hub) -> None:
    session = hub.start("namesake", "steps")
    assert session["owner"] == "service:alice"
    assert hub.research("alice", "GET", f"sessions/{session['session_id']}")[0] == 404


def test_guest_reads_configured_libraries_and_not_the_hosts_files(hub: Hub) -> None:
    hub.let_in("bob")
    body = {"topic": "x", "approve": "ask", "options": {"sources": ["."]}}
    status, answer = hub.research("bob", "POST", "sessions", body)
    assert (status, answer["code"]) == (400, "path")
    status, _ = hub.research("alice", "POST", "sessions", body)
    assert status == 202
    body["options"] = {"sources": ["example"]}
    assert hub.research("bob", "POST", "sessions", body)[0] == 202


def test_guest_whose_share_is_taken_back_loses_the_open_socket_and_the_routes(hub: Hub) -> None:
    hub.let_in("bob")
    session_id = hub.start("bob")["session_id"]
    address = f"ws://{hub.host}/user/alice/research/api/ws"
    sockets = {
        who: websocket.create_connection(
            address, header=[f"Authorization: token {hub.tokens[who]}"], timeout=DEADLINE
        )
        for who in ("alice", "bob")
    }
    sockets["bob"].send(json.dumps({"type": "join_session", "session_id": session_id}))
    assert json.loads(sockets["bob"].recv())["type"] == "session_joined"
    hub.hub("PATCH", "/shares/alice/", {"user": "bob"})
    heard = []
    while message := sockets["bob"].recv():
        heard.append(json.loads(message))
    assert (heard[-1]["type"], heard[-1]["reason"]) == ("session_left", "revoked")
    assert hub.research("bob", "GET", "health")[0] == 403
    sockets["alice"].send(json.dumps({"type": "leave_session", "session_id": session_id}))
    assert json.loads(sockets["alice"].recv())["reason"] == "left"
    for each in sockets.values():
        each.shutdown()
    hub.let_in("bob")
    assert hub.research("bob", "DELETE", f"sessions/{session_id}")[0] == 204


def test_hub_sees_a_server_at_work_as_active_and_one_that_waits_as_idle(hub: Hub) -> None:
    def active() -> str:
        server = hub.server()
        assert server is not None
        return str(server["last_activity"])

    session_id = hub.start("alice")["session_id"]
    for _ in range(2):
        seen = active()
        until(lambda seen=seen: active() > seen, "a sign of life")
    hub.research("alice", "POST", f"sessions/{session_id}/pause")
    quiet = ""
    while quiet != active():
        quiet = active()
        time.sleep(4)  # Nothing is waited for: that nothing happens takes time to see.
    assert hub.research("alice", "DELETE", f"sessions/{session_id}")[0] == 204


def test_server_stopped_by_the_hub_leaves_its_sessions_to_be_resumed(hub: Hub) -> None:
    session_id = hub.start("alice")["session_id"]
    begin = time.monotonic()
    hub.hub("DELETE", "/users/alice/server")
    until(lambda: not hub.hub("GET", "/users/alice")["servers"], "the stop of the server")
    assert time.monotonic() - begin < 20
    hub.hub("POST", "/users/alice/server", {})
    until(hub.server, "the start of the server")
    events = hub.research("alice", "GET", f"sessions/{session_id}/events")[1]["events"]
    assert events[-1]["kind"] == "research_interrupted"
    assert events[-1]["detail"]["reason"] == "the server stopped"
    assert hub.research("alice", "POST", f"sessions/{session_id}/resume")[0] == 202
