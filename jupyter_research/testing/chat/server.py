"""Serve chat completions over HTTP on this machine, and remember every request."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Final, cast

from ..listener import Listener
from .exchange import Answer, Asked, Reply
from .google import spoken
from .protocols import Protocol
from .scholar import Scholar

#: The names under which the server offers its one model.
MODELS: Final = ("scripted", "gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-flash", "llama3.2")


class ChatServer:
    """Be a chat model at `url`, in threads of this process; `with` starts and stops it.

    Args:
        answer: decides each reply; called in several threads at once. By default a `Scholar`.
        first: replies for the first requests, whatever they ask, before `answer` gets its turn.
        port: where to listen; 0 for a free port.
    """

    def __init__(self, answer: Answer | None = None, *, first: Iterable[Reply] = (), port: int = 0) -> None:
        self.answer: Answer = answer or Scholar()
        self._first = list(first)
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self._http = _Listener(("127.0.0.1", port), _Handler)
        self._http.chat = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self.closing = threading.Event()
        #: Requests that are being answered, and the most there were at once.
        self.under_way = 0
        self.most_at_once = 0

    @property
    def url(self) -> str:
        """Give the address; OpenAI's clients want `/v1` behind it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def asked(self) -> list[Asked]:
        """Give the requests so far."""
        with self._lock:
            return list(self._asked)

    def __enter__(self) -> ChatServer:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and end what hangs."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def reply_to(self, asked: Asked) -> Reply:
        """Take a request down and decide what it gets."""
        with self._lock:
            self._asked.append(asked)
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            given = self._first.pop(0) if self._first else None
        return given if given is not None else self.answer(asked)

    def done(self) -> None:
        """Count a request as answered."""
        with self._lock:
            self.under_way -= 1


class _Listener(Listener):
    chat: ChatServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One segment each, and at once: else a reply waits for the acknowledgement of its head.
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def chat(self) -> ChatServer:
        return cast(_Listener, self.server).chat

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """List the models, as a client does that wants to know whether anybody is there."""
        lists = {
            "/v1/models": {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]},
            "/api/tags": {"models": [{"name": name, "model": name} for name in MODELS]},
            "/v1beta/models": {"models": [{"name": f"models/{name}"} for name in MODELS]},
        }
        known = lists.get(self.path.partition("?")[0])
        self._send(200 if known else 404, known or {"error": {"message": "There is nothing here."}})

    def do_POST(self) -> None:
        """Answer a chat request."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        protocol = spoken(self.path.partition("?")[0])
        if protocol is None:
            self._send(404, {"error": {"message": "There is nothing here.", "code": "not_found"}})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = protocol.read(body, headers)
        reply = self.chat.reply_to(asked)
        try:
            if reply.delay:
                self.chat.closing.wait(reply.delay)
            self._answer(protocol, asked, reply)
        finally:
            self.chat.done()

    def _answer(self, protocol: Protocol, asked: Asked, reply: Reply) -> None:
        if reply.fault == "hang":
            self._hang()
        elif reply.status != 200:
            self._send(reply.status, protocol.error(reply), headers=protocol.headers(reply))
        elif asked.stream:
            self._stream(protocol.stream_type, list(protocol.stream(asked, reply)), reply)
        else:
            self._send(200, protocol.whole(asked, reply), headers=reply.headers, fault=reply.fault)

    def _hang(self) -> None:
        """Hold the request until its client goes away or the server ends."""
        self.connection.settimeout(0.05)
        while not self.chat.closing.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True

    def _send(self, status: int, body: Any, *, headers: Any = None, fault: str | None = None) -> None:
        content = json.dumps(body).encode()
        if fault == "cut":
            content = content[: len(content) // 2]
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "drop" else content)
        self.wfile.flush()
        if fault == "drop":
            self._hang_up()

    def _stream(self, media_type: str, chunks: list[bytes], reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = chunks if reply.fault is None else chunks[: max(1, len(chunks) // 2)]
        for chunk in sent:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if reply.fault == "drop":
            self.wfile.flush()
            self._hang_up()
            return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
