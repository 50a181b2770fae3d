"""Carry a request to a Jupyter server and its answer back, with nothing but `urllib`."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .discovery import Server

#: Seconds after which a server that does not answer counts as gone.
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what a server answered, whatever the status."""

    status: int
    content: bytes
    retry_after: int = 30

    @property
    def ok(self) -> bool:
        """Tell whether the request was taken."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any] | list[Any] | None:
        """Give the JSON object or array, or None for a page of something else."""
        try:
            content = json.loads(self.content)
        except ValueError:
            return None
        return content if isinstance(content, (dict, list)) else None


class Transport:
    """Send requests to one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._opener = _opener(server)

    def send(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, *, patience: float = 0
    ) -> Answer:
        """Send one request; `patience` is how many seconds the server may hold it back.

        Raises:
            OSError: nobody answers.
        """
        request = self._request(verb, self.server.url + path, body)
        try:
            with self._opener.open(request, timeout=TIMEOUT + patience) as answer:
                return Answer(status=answer.status, content=answer.read())
        except urllib.error.HTTPError as error:
            with error:
                seconds = error.headers.get("Retry-After") or ""
                retry_after = int(seconds) if seconds.isdigit() else 30
                return Answer(status=error.code, content=error.read(), retry_after=retry_after)
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error

    def _request(self, verb: str, url: str, body: Mapping[str, Any] | None) -> urllib.request.Request:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=verb)
        request.add_header("Accept", "application/json, */*")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self.server.token:
            request.add_header("Authorization", f"token {self.server.token}")
        else:
            # A server that lets everybody in still wants to see that no foreign page wrote the request.
            proof = secrets.token_hex(16)
            request.add_header("Cookie", f"_xsrf={proof}")
            request.add_header("X-XSRFToken", proof)
        return request


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow nothing: a redirect leads to a login page, and would carry the token elsewhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class _SocketConnection(http.client.HTTPConnection):
    """Speak HTTP over a UNIX socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _SocketHandler(urllib.request.HTTPHandler):
    """Open requests over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, *, timeout: float = TIMEOUT, **_: Any) -> _SocketConnection:
            return _SocketConnection(self._path, timeout)

        return self.do_open(connection, request)


def _opener(server: Server) -> urllib.request.OpenerDirector:
    handlers: list[Any] = [_NoRedirect()]
    if server.local:
        # A proxy of the environment would look for the loopback address on its own machine.
        handlers.append(urllib.request.ProxyHandler({}))
    if server.socket is not None:
        handlers.append(_SocketHandler(server.socket))
    if server.url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_tls(server)))
    return urllib.request.build_opener(*handlers)


def _tls(server: Server) -> ssl.SSLContext:
    if server.tls is not None:
        certificate, key, authority = server.tls
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(certificate, key)
        # The Hub's internal certificates name the service, not the address.
        context.check_hostname = False
        return context
    context = ssl.create_default_context()
    if server.local and server.pid is not None:
        # Found by a file that only this user can write, at the loopback address, which no certificate names.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
