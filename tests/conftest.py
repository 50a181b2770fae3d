"""Give tests a real Jupyter server with the extension in it, and people who share it."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tornado.httpclient import HTTPClientError, HTTPResponse
from traitlets.config import Config

from jupyter_research.testing import RESEARCHERS

pytest_plugins = ("pytest_jupyter.jupyter_server",)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores it, and so would every server and command that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Time says nothing of code on a machine that does other things too.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

#: How long to wait for what has to happen, in seconds: far more than it takes on a busy machine.
DEADLINE = 90


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of those modules that start servers and kernels of their own."""
    for item in items:
        names = vars(getattr(item, "module", None) or object).values()
        if any(getattr(value, "__module__", None) == "live" for value in names):
            item.add_marker(pytest.mark.live)


@pytest.fixture(autouse=True)
def jp_server_cleanup(jp_asyncio_loop: asyncio.AbstractEventLoop) -> Any:
    """Clean up after a server, where the test had one: the original makes one to clean up after."""
    yield
    from jupyter_server.serverapp import ServerApp

    if not ServerApp.initialized():
        return
    app = ServerApp.instance()
    jp_asyncio_loop.run_until_complete(app._cleanup())
    if hasattr(app, "kernel_manager"):
        app.kernel_manager.context.destroy()
    ServerApp.clear_instance()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Name the folder that the server's sessions are stored in."""
    return tmp_path / "research"


@pytest.fixture
def research_config() -> dict[str, Any]:
    """Give the configuration of `ResearchApp` beyond the usual; tests override this."""
    return {}


@pytest.fixture
def people() -> bool:
    """Tell whether requests name their person by the header X-Test-User; tests override this."""
    return False


@pytest.fixture
def jp_server_config(data_dir: Path, research_config: dict[str, Any], people: bool) -> Config:
    """Enable the extension on a server that lets nobody in unknown."""
    server: dict[str, Any] = {
        # Terminals are another extension and not decorated.
        "jpserver_extensions": {"jupyter_research": True, "jupyter_server_terminals": False},
        "allow_unauthenticated_access": False,
        "reraise_server_extension_failures": True,
    }
    if people:
        server["identity_provider_class"] = "jupyter_research.testing.HeaderIdentityProvider"
    app = {"data_dir": str(data_dir), "researchers": RESEARCHERS, **research_config}
    return Config({"ServerApp": server, "ResearchApp": app})


class Person:
    """Speak to the server as one person."""

    def __init__(self, fetch: Any, ws_fetch: Any, name: str | None = None) -> None:
        self._fetch = fetch
        self._ws_fetch = ws_fetch
        self.sockets: list[Any] = []
        self.headers = {} if name is None else {"X-Test-User": name, "Authorization": ""}

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> HTTPResponse:
        """Send a request to the API and give the answer, whatever its status."""
        headers = {**self.headers, **options.pop("headers", {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if method in ("POST", "PUT", "PATCH"):
            body = "" if body is None else body
        elif body is not None:
            options["allow_nonstandard_methods"] = True
        options = {"request_timeout": DEADLINE, "connect_timeout": DEADLINE, **options}
        path, _, query = path.partition("?")
        params = dict(pair.split("=") for pair in query.split("&")) if query else None
        try:
            answer: HTTPResponse = await self._fetch(
                *["research", "api", *path.strip("/").split("/")],
                method=method, body=body, headers=headers, params=params, follow_redirects=False, **options,
            )  # fmt: skip
            return answer
        except HTTPClientError as error:
            assert error.response is not None, error
            return error.response

    async def get(self, path: str, status: int = 200) -> Any:
        """Give the JSON at a path."""
        return read(await self.ask("GET", path), status)

    async def post(self, path: str, body: Any = None, status: int = 202) -> Any:
        """Send a command and give the JSON of its answer."""
        return read(await self.ask("POST", path, body), status)

    async def start(self, topic: str = "what is this?", **fields: Any) -> dict[str, Any]:
        """Start a session."""
        snapshot: dict[str, Any] = await self.post(
            "sessions", {"topic": topic, "researcher": "steps", **fields}
        )
        return snapshot

    async def until(self, session_id: str, *states: str) -> dict[str, Any]:
        """Wait for a session to be in one of `states`."""

        async def look() -> dict[str, Any] | None:
            snapshot = await self.get(f"sessions/{session_id}")
            return snapshot if snapshot["state"] in states else None

        return await until(look)

    async def connect(self, **options: Any) -> Any:
        """Open a socket."""
        socket = await self._ws_fetch("research", "api", "ws", headers=dict(self.headers), **options)
        self.sockets.append(socket)
        return socket


def read(answer: HTTPResponse, status: int) -> Any:
    """Give the JSON of an answer that has to have this status."""
    assert answer.code == status, (answer.code, answer.body)
    assert answer.headers["Content-Type"].startswith("application/json")
    return json.loads(answer.body)


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Look until there is something, and give it."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in time")


async def messages(socket: Any, kind: str, count: int = 1) -> list[dict[str, Any]]:
    """Read a socket up to the `count`-th message of a kind, and give all messages read."""
    read = []
    while sum(message["type"] == kind for message in read) < count:
        text = await asyncio.wait_for(socket.read_message(), DEADLINE)
        assert text is not None, f"closed: {socket.close_code} {socket.close_reason}"
        read.append(json.loads(text))
    return read


async def hang_up(socket: Any) -> None:
    """Close a socket, and wait for the good-bye: a line that is left open is told to some later test."""
    is_open = socket.protocol is not None and not socket.protocol.stream.closed()
    socket.close()
    while is_open and await asyncio.wait_for(socket.read_message(), DEADLINE) is not None:
        pass


@pytest.fixture
def person(
    jp_fetch: Any, jp_ws_fetch: Any, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[..., Person]]:
    """Make people: `person("alice")` where the server knows names, else `person()`."""
    known: dict[str | None, Person] = {}
    yield lambda name=None: known.setdefault(name, Person(jp_fetch, jp_ws_fetch, name))
    for one in known.values():
        for socket in one.sockets:
            jp_asyncio_loop.run_until_complete(hang_up(socket))


@pytest.fixture
def me(person: Callable[..., Person]) -> Person:
    """Be the one person of a plain server."""
    return person()
