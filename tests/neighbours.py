"""Let two people use one real server, and look at it as an attacker does."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import websocket
from live import DEADLINE, Server, running_server, until

TOKENS = {"alice": "the-token-of-alice", "bob": "the-token-of-bob"}

#: A word that stands in what belongs to alice, and must not come to anybody else.
SECRET = "heliotrope"

FOREIGN = "https://elsewhere.example"


@dataclass
class Answer:
    """Hold what came back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """Give the content as JSON."""
        return json.loads(self.body)


class Shared:
    """Be a server that two people share."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.root = server.root
        self.api = server.url + "research/api"
        address = urllib.parse.urlsplit(server.url)
        self.host, self.base = address.netloc, address.path
        self._cookies: dict[str, str] = {}

    def send(self, verb: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to a path beneath the API, exactly as it is written."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **headers}
        # No urllib: it would tidy the path up.
        connection = HTTPConnection(self.host, timeout=DEADLINE)
        try:
            connection.request(verb, f"{self.base}research/api{path}", data, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()

    def ask(self, who: str, verb: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request as somebody, by token."""
        return self.send(verb, path, body, Authorization=f"token {TOKENS[who]}", **headers)

    def start(self, who: str = "alice", researcher: str = "slow", **fields: Any) -> str:
        """Start a session and give its id."""
        body = {"topic": f"what does the {SECRET} turn to?", "researcher": researcher, **fields}
        answer = self.ask(who, "POST", "/sessions", body)
        assert answer.status == 202, answer.body
        return str(answer.json["session_id"])

    def until(self, session_id: str, *states: str, who: str = "alice") -> dict[str, Any]:
        """Wait for a session to be in one of these states."""

        def look() -> Any:
            snapshot = self.ask(who, "GET", f"/sessions/{session_id}").json
            return snapshot if snapshot["state"] in states else None

        return dict(until(look, f"one of {states}"))

    def cookies(self, who: str) -> str:
        """Give the cookies of a browser in which somebody has come in."""
        if who not in self._cookies:
            proof = self._set_by("login", {})
            name = self._set_by("api/status", {"Authorization": f"token {TOKENS[who]}"})
            self._cookies[who] = "; ".join([*proof, *name])
        return self._cookies[who]

    def _set_by(self, path: str, headers: dict[str, str]) -> list[str]:
        connection = HTTPConnection(self.host, timeout=DEADLINE)
        try:
            connection.request("GET", self.base + path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return [value.split(";")[0] for name, value in answer.getheaders() if name == "Set-Cookie"]
        finally:
            connection.close()

    def proof(self, who: str) -> str:
        """Give what pages of the server send beside the cookies."""
        pairs = (pair.split("=", 1) for pair in self.cookies(who).split("; "))
        return dict(pairs)["_xsrf"]

    def socket(self, **headers: str) -> websocket.WebSocket:
        """Open a socket with exactly these headers."""
        header = [f"{name}: {value}" for name, value in headers.items() if name not in ("Cookie", "Origin")]
        return websocket.create_connection(
            f"ws://{self.host}{self.base}research/api/ws",
            header=header,
            cookie=headers.get("Cookie"),
            origin=headers.get("Origin"),
            suppress_origin="Origin" not in headers,
            timeout=DEADLINE,
        )


@contextmanager
def shared_server(folder: Path) -> Iterator[Shared]:
    """Run a server that knows alice and bob by their tokens."""
    tokens = [f"--TokenIdentityProvider.tokens={token}={who}" for who, token in TOKENS.items()]
    provider = "--ServerApp.identity_provider_class=jupyter_research.testing.TokenIdentityProvider"
    with running_server(folder, provider, *tokens) as server:
        yield Shared(server)
