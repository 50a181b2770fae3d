"""Be the web: each service that research asks, speaking its protocol over HTTP on the loopback.

The answers are written by hand after each service's documentation, with the fields that it names; none
was recorded. `FakeWeb().addresses` is for `c.ResearchApp.source_addresses`, its `host` for
`c.ResearchApp.private_hosts`.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import services
from .exchange import Asked, Reply
from .listener import Listener


class FakeWeb:
    """Serve all services from one port; used as a `with`. Thread-safe."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        #: Pages by their path beneath `/pages/`, or what makes one of a request.
        self.pages: dict[str, Reply | Callable[[Asked], Reply]] = dict(services.PAGES)
        self.robots = "User-agent: *\nDisallow: /pages/private\n"
        self._faults: dict[str, deque[Reply]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._server = Listener(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="fake-web", daemon=True
        )

    def __enter__(self) -> FakeWeb:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; answers that are held back are given up."""
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Give host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def addresses(self) -> dict[str, str]:
        """Give the address of each service."""
        return {name: f"http://{self.host}/{name}" for name in services.SERVICES}

    def page(self, path: str) -> str:
        """Give the address of a page."""
        return f"http://{self.host}/pages/{path}"

    def answer_next(self, service: str, *replies: Reply) -> None:
        """Let the next requests to a service be answered otherwise."""
        with self._lock:
            self._faults[service].extend(replies)

    def requests(self, service: str) -> list[Asked]:
        """Give the requests to one service so far."""
        with self._lock:
            return [one for one in self.asked if one.service == service]

    def _reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            faults = self._faults[asked.service]
            if faults:
                return faults.popleft()
        if asked.service == "robots.txt":
            return Reply(body=self.robots.encode(), headers={"Content-Type": "text/plain"})
        if asked.service == "pages":
            page = self.pages.get(asked.path.removeprefix("/pages/"), Reply(status=404))
            return page if isinstance(page, Reply) else page(asked)
        service = services.SERVICES.get(asked.service)
        return Reply(status=404) if service is None else service(asked, f"http://{self.host}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                reply = web._reply(
                    Asked(
                        service=parts.path.split("/")[1],
                        method=self.command,
                        path=parts.path,
                        params=dict(parse_qsl(parts.query)),
                        headers={name.lower(): value for name, value in self.headers.items()},
                        body=self.rfile.read(length),
                        time=time.monotonic(),
                    )
                )
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                web._gone.wait(reply.delay)
                try:
                    self.wfile.write(reply.body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
