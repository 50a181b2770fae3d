"""Start the servers, each in a process of its own, and ask the system what they take."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

BENCHMARKS = Path(__file__).parent.parent

#: How long a server may take to begin, in seconds: importing takes most of it.
START = 30.0


def environment() -> dict[str, str]:
    """Give the variables under which the parts find each other."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(BENCHMARKS), str(BENCHMARKS.parent)))}


def free_port() -> int:
    """Find a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Be a server that is measured."""

    kind = "tornado"
    path = "/ws"
    token = ""

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, *(part.format(port=self.port) for part in command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            text=True,
        )
        self._system = psutil.Process(self.process.pid)

    def wait_until_open(self) -> None:
        """Wait until it takes connections."""
        end = time.monotonic() + START
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{self.name} did not start: install the extra [bench].")

    def prepare(self, name: str, sessions: int, updates: int, interval: float) -> list[str]:
        """Give the ids of sessions that wait for `go`."""
        return [f"{name}-{index}" for index in range(sessions)]

    def go(self, name: str, sessions: int, updates: int, interval: float) -> None:
        """Let prepared sessions send."""
        self.tell(f"go {name} {sessions} {updates} {interval}")

    def end(self, name: str) -> None:
        """Let sessions that have sent everything end."""

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def cpu(self) -> float:
        """Give the processor time taken so far by this process, in seconds."""
        times = self._system.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Give the resident memory in bytes."""
        return int(self._system.memory_info().rss)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


class Rooms(Server):
    """Be Flask-SocketIO."""

    kind = "socketio"
    path = "/socket.io/?EIO=4&transport=websocket"


class Jupyter(Server):
    """Be a Jupyter server with jupyter_research, as a user would have it."""

    kind = "jupyter"
    path = "/research/api/ws"
    token = "benchmark"

    def __init__(self, name: str, folder: Path) -> None:
        researchers = {task: f"peers.researcher:{task}" for task in ("sends", "clocks", "says_little")}
        config = {
            "ServerApp": {
                "jpserver_extensions": {"jupyter_research": True},
                "root_dir": str(folder),
                "allow_root": True,
                "open_browser": False,
            },
            "IdentityProvider": {"token": self.token},
            "ResearchApp": {
                "data_dir": str(folder / "research"),
                "researchers": researchers,
                "max_working_sessions": 200,
                "max_sockets_per_owner": 2000,
            },
        }
        folder.mkdir(parents=True)
        path = folder / "config.json"
        path.write_text(json.dumps(config))
        super().__init__(name, "-m", "jupyter_server", "--port={port}", "--ip=127.0.0.1", f"--config={path}")
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """Send a request and give the JSON of the answer."""
        text = None if body is None else json.dumps(body)
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        self._connection.request(verb, f"/research/api/{path}", text, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{verb} {path}: {content.decode()}")
        return json.loads(content)

    def start(self, researcher: str, **options: Any) -> str:
        """Start a session and give its id."""
        body = {"topic": "benchmark", "researcher": researcher, "options": options}
        return str(self.ask("POST", "sessions", body)["session_id"])

    def report(self, session_id: str) -> str:
        """Wait for the end of a session, and give the text that its researcher returned."""
        while self.ask("GET", f"sessions/{session_id}")["state"] != "completed":
            time.sleep(0.02)
        report = self.ask("GET", f"sessions/{session_id}/report?format=json")
        return str(report["sections"][0]["claims"][0]["text"])

    def prepare(self, name: str, sessions: int, updates: int, interval: float) -> list[str]:
        """Start sessions that wait for `go`."""
        return [
            self.start(
                "sends",
                gate=name,
                end=f"{name}-end",
                updates=updates,
                interval=interval,
                offset=index / sessions,
            )
            for index in range(sessions)
        ]

    def go(self, name: str, sessions: int, updates: int, interval: float) -> None:
        """Let prepared sessions send."""
        self.tell(f"go {name}")

    def end(self, name: str) -> None:
        """Let sessions that have sent everything end, so that the next ones do not meet them."""
        self.tell(f"go {name}-end")
        while self.ask("GET", "sessions?state=researching&limit=1")["sessions"]:
            time.sleep(0.02)


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """Wait until all take connections, and end them in any case."""
    try:
        for server in servers:
            server.wait_until_open()
        yield
    finally:
        for server in servers:
            server.stop()


class Viewers:
    """Be the client's process."""

    def __init__(self, server: Server, sessions: list[str], updates: int, timeout: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "peers.client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        plan = {
            "kind": server.kind,
            "host": "127.0.0.1",
            "port": server.port,
            "path": server.path,
            "token": server.token,
            "sessions": sessions,
            "updates": updates,
            "timeout": timeout,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()

    def hear(self, expected: str) -> None:
        """Wait for a word of the client's; it has a time limit of its own."""
        assert self._process.stdout is not None
        heard = self._process.stdout.readline().strip()
        if heard != expected:
            raise SystemExit(f"The client said {heard!r} where {expected!r} was due.")

    def result(self) -> dict[str, Any]:
        """Give what the client found."""
        assert self._process.stdout is not None
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        return result

    def stop(self) -> None:
        """Let the client leave."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@contextmanager
def viewing(server: Server, sessions: list[str], updates: int, timeout: float) -> Iterator[Viewers]:
    """Connect one viewer to each session."""
    viewers = Viewers(server, sessions, updates, timeout)
    try:
        viewers.hear("ready")
        yield viewers
    finally:
        viewers.stop()
