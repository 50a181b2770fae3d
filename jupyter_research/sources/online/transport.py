"""Connect where the guard allows, and hold every open socket so that a cancel can shut it.

Closing an httpx client does not wake a thread that reads from one of its sockets; shutting the socket does.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import httpcore
import httpx

from ...guard import Addresses, Refused
from .proxies import NONE, Proxies, is_proxy

#: Parameters of a request that are added only here: httpx writes addresses into the log, and neither a key
#: nor what somebody looks for has anything to do there.
PARAMETERS: Final = "jupyter_research.parameters"

SocketOptions = Iterable[Any] | None

#: When the exchange that runs in this thread has to be over, by the monotonic clock.
_deadline: ContextVar[float] = ContextVar("jupyter_research_deadline", default=math.inf)


@contextmanager
def over_by(moment: float) -> Iterator[None]:
    """Let whatever the block connects, sends and reads end by then, however slowly it comes.

    A limit on each read alone is none: a header a minute keeps it.
    """
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)


def _allowed(timeout: float | None) -> float | None:
    """Give what is left of the time, where that is less than a single step may take."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("its time is over")
    return timeout if left == math.inf else left if timeout is None else min(timeout, left)


class Sockets:
    """Know the sockets that are open. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._shut = False

    def add(self, one: socket.socket) -> None:
        """Take a socket in; shut it at once when all are to be shut."""
        with self._lock:
            self._open.add(one)
            shut = self._shut
        if shut:
            _shut(one)

    def forget(self, one: socket.socket) -> None:
        """Let a closed socket go."""
        with self._lock:
            self._open.discard(one)

    def shut(self) -> None:
        """End every read and write that is under way, and those to come."""
        with self._lock:
            self._shut = True
            found = list(self._open)
        for one in found:
            _shut(one)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        # Not `SSLSocket.shutdown` semantics: the plain one, which does not wait for the other side.
        socket.socket.shutdown(one, socket.SHUT_RDWR)


class _Stream(httpcore.NetworkStream):
    """Be a connection that `Sockets` knows."""

    def __init__(self, inner: httpcore.NetworkStream, sockets: Sockets) -> None:
        self._inner = inner
        self._sockets = sockets
        self._socket = inner.get_extra_info("socket")
        sockets.add(self._socket)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _allowed(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _allowed(timeout))

    def close(self) -> None:
        self._sockets.forget(self._socket)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, _allowed(timeout))
        # The plain socket has given its descriptor away.
        self._sockets.forget(self._socket)
        return _Stream(inner, self._sockets)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Resolve, check and connect to exactly what was checked."""

    def __init__(self, addresses: Addresses, sockets: Sockets) -> None:
        self._plain = httpcore.SyncBackend()
        self._addresses = addresses
        self._sockets = sockets

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        try:
            numbers = self._addresses.of(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known") from error
        failure: Exception | None = None
        for number in numbers:
            try:
                stream = self._plain.connect_tcp(
                    number, port, _allowed(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Stream(stream, self._sockets)
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("A socket file is no address on the web.")


class GuardedTransport(httpx.BaseTransport):
    """Send requests of one session; nothing is shared with another."""

    def __init__(self, addresses: Addresses, proxies: Proxies = NONE) -> None:
        self._addresses = addresses
        self._proxies = proxies
        self.sockets = Sockets()
        self._lock = threading.Lock()
        self._limits: dict[str, Any] = {
            "ssl_context": httpx.create_ssl_context(),
            "max_connections": 20,
            "max_keepalive_connections": 10,
            "keepalive_expiry": 15,
        }
        self._direct = httpcore.ConnectionPool(
            **self._limits, network_backend=_Backend(addresses, self.sockets)
        )
        self._through: dict[str, httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; redirects come by here too, each checked anew."""
        self._addresses.check(str(request.url))
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = request.url.copy_merge_params(request.extensions.get(PARAMETERS) or {})
        inner = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme,
                host=url.raw_host,
                port=url.port,
                target=url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated(request):
            response = self._pool(url).handle_request(inner)
        assert isinstance(response.stream, Iterable)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream, request),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        for pool in (self._direct, *self._through.values()):
            pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        """Give the connections by which an address is reached."""
        port = url.port or (443 if url.scheme == "https" else 80)
        proxy = self._proxies.of(url.scheme, url.host, port)
        if proxy is None:
            return self._direct
        self._addresses.named(url.host, port)
        with self._lock:
            if proxy not in self._through:
                self._through[proxy] = self._proxy(httpx.URL(proxy))
            return self._through[proxy]

    def _proxy(self, proxy: httpx.URL) -> httpcore.HTTPProxy:
        if not is_proxy(str(proxy)):
            raise Refused(f"{proxy.scheme}://{proxy.host} is no proxy of http or https")
        own = proxy.port or (443 if proxy.scheme == "https" else 80)
        # An administrator has named it, wherever it stands.
        named = Addresses([f"{proxy.host}:{own}"])
        return httpcore.HTTPProxy(
            httpcore.URL(scheme=proxy.raw_scheme, host=proxy.raw_host, port=proxy.port, target=b"/"),
            proxy_auth=(proxy.username.encode(), proxy.password.encode()) if proxy.username else None,
            **self._limits,
            network_backend=_Backend(named, self.sockets),
        )


class _Body(httpx.SyncByteStream):
    """Be the body of an answer, whose failures speak httpx."""

    def __init__(self, stream: Iterable[bytes], request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _translated(self._request):
            yield from self._stream

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


@contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    """Raise httpx's errors for those of the layer beneath."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error) or "no answer in time", request=request) from error
    except httpcore.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error), request=request) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise httpx.ReadError(str(error) or type(error).__name__, request=request) from error
