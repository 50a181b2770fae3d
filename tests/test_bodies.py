"""Send bodies of every size: what is too much goes by, and a refusal is heard."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse

import psutil
import pytest
from neighbours import TOKENS, Shared, shared_server
from test_handlers import NOBODY, TABLE

from jupyter_research.bodies import MAX_BODY

pytestmark = pytest.mark.live

CHUNK = b" " * 65536
#: Far more than a server grows by from one request to the next.
MUCH = 64 * 2**20

WRITING = [(verb, path) for verb, path in TABLE if verb not in ("GET", "DELETE") and "nowhere" not in path]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with shared_server(tmp_path_factory.mktemp("bodies")) as shared:
        assert shared.ask("alice", "GET", "/health").status == 200  # Everything is imported now.
        yield shared


class Sender:
    """Send a request bit by bit."""

    def __init__(self, shared: Shared, verb: str, path: str, **headers: str) -> None:
        host, port = shared.host.split(":")
        self.line = socket.create_connection((host, int(port)), timeout=90)
        self.chunked = headers.get("Transfer_Encoding") == "chunked"
        lines = [f"{verb} {shared.base}research/api{path} HTTP/1.1", f"Host: {shared.host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.line.sendall("\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode())

    def send(self, content: bytes) -> None:
        self.line.sendall(b"%x\r\n%b\r\n" % (len(content), content) if self.chunked else content)

    def end(self) -> None:
        if self.chunked:
            self.line.sendall(b"0\r\n\r\n")

    def answer(self) -> tuple[int, dict[str, str]]:
        answer = HTTPResponse(self.line)
        answer.begin()
        content = json.loads(answer.read())
        self.line.close()
        return answer.status, content


def token(who: str) -> dict[str, str]:
    return {"Authorization": f"token {TOKENS[who]}"} if who in TOKENS else {}


@pytest.mark.parametrize(
    ("who", "status", "code"), [("alice", 413, "too_large"), ("nobody", 403, "unauthenticated")]
)
@pytest.mark.parametrize("way", ["declared", "chunked"])
def test_much_too_large_body_is_not_kept_in_memory(
    shared: Shared, who: str, status: int, code: str, way: str
) -> None:
    length = {"Transfer_Encoding": "chunked"} if way == "chunked" else {"Content_Length": str(MUCH)}
    sender = Sender(shared, "POST", "/sessions", **length, **token(who))
    server = psutil.Process(shared.server.process.pid)
    before = server.memory_info().rss
    for _ in range(MUCH // len(CHUNK) - 1):
        sender.send(CHUNK)
    # All of it but the end has left here, and what the system may hold of it is little.
    grown = server.memory_info().rss - before
    sender.send(CHUNK)
    sender.end()
    assert sender.answer()[0] == status
    assert grown < MUCH / 4


@pytest.mark.parametrize(("verb", "path"), WRITING)
@pytest.mark.parametrize("way", ["declared", "chunked"])
def test_route_refuses_a_body_that_is_a_byte_too_large_in_a_sentence(
    shared: Shared, verb: str, path: str, way: str
) -> None:
    length = {"Transfer_Encoding": "chunked"} if way == "chunked" else {"Content_Length": str(MAX_BODY + 1)}
    sender = Sender(shared, verb, path.format(session=NOBODY), **length, **token("alice"))
    sender.send(b" " * MAX_BODY)
    sender.send(b"1")
    sender.end()
    assert sender.answer() == (413, {"error": "The body is larger than 1024 KiB.", "code": "too_large"})


def test_body_of_the_largest_size_is_read(shared: Shared) -> None:
    body = json.dumps({"topic": "the moon", "researcher": "steps"}).encode().ljust(MAX_BODY)
    assert shared.ask("alice", "POST", "/sessions", body).status == 202


def test_client_that_asks_first_is_refused_before_it_sends(shared: Shared) -> None:
    sender = Sender(
        shared, "POST", "/sessions", Content_Length=str(MUCH), Expect="100-continue", **token("alice")
    )
    assert sender.answer()[0] == 413


def test_client_that_asks_first_is_told_to_send_what_fits(shared: Shared) -> None:
    body = json.dumps({"topic": "the moon", "researcher": "steps"}).encode()
    sender = Sender(
        shared, "POST", "/sessions", Content_Length=str(len(body)), Expect="100-continue", **token("alice")
    )
    assert b" 100 " in sender.line.recv(1024)
    sender.send(body)
    assert sender.answer()[0] == 202


def test_refusal_leaves_the_connection_open_for_the_next_request(shared: Shared) -> None:
    with closing(HTTPConnection(shared.host, timeout=90)) as line:
        for headers, status in (({}, 403), (token("alice"), 413), (token("alice"), 413)):
            line.request("POST", f"{shared.base}research/api/sessions", b" " * (MAX_BODY + 1), headers)
            answer = line.getresponse()
            answer.read()
            assert answer.status == status
        assert line.sock is not None
        line.request("GET", f"{shared.base}research/api/health", headers=token("alice"))
        assert line.getresponse().status == 200


@pytest.mark.parametrize("sent", [0, 10, 2 * MAX_BODY])
@pytest.mark.parametrize(("verb", "path"), [("POST", "/sessions"), ("GET", "/health"), ("GET", "/ws")])
def test_client_that_goes_away_within_its_body_does_no_harm(
    shared: Shared, verb: str, path: str, sent: int
) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"} if path == "/ws" else {}
    sender = Sender(shared, verb, path, Content_Length=str(MUCH), **upgrade, **token("alice"))
    sender.send(b" " * sent)
    sender.line.close()
    assert shared.ask("alice", "GET", "/health").status == 200
    assert "Traceback" not in (shared.server.folder / "server.log").read_text()
