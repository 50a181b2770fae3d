"""Hold what the handlers share: the runtime, opened at the first request, and each owner's sockets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from .errors import LimitReached

if TYPE_CHECKING:
    from .runtime import Runtime

P = ParamSpec("P")
T = TypeVar("T")

#: Threads for commands, which wait for their commit.
_WORKERS = 8

#: Threads for rendering reports, so that somebody's hundred PDFs hold up nobody's Cancel.
_RENDERERS = 2

#: Threads for reading files that nobody has read yet: each may be taken for a minute.
_READERS = 2


class Closable(Protocol):
    """What an open socket is to the door that it came through."""

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """End the connection."""


class Access:
    """Be the one way from the loop to the runtime.

    Lives on the loop's thread. The runtime is built and opened in a pool thread, so that a server on
    which nobody does research imports and opens nothing.

    Args:
        build: makes the runtime; called once, in a thread.
        server_user: the Hub user whose server this is, None elsewhere.
        max_sockets_per_owner: how many sockets one owner may have open.
    """

    def __init__(
        self,
        build: Callable[[], Runtime],
        *,
        server_user: str | None = None,
        max_sockets_per_owner: int = 100,
    ) -> None:
        self.server_user = server_user
        self.max_sockets_per_owner = max_sockets_per_owner
        #: The runtime once it is open.
        self.opened: Runtime | None = None
        self._build = build
        self._opening = asyncio.Lock()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="jupyter_research")
        self._renderers = ThreadPoolExecutor(_RENDERERS, thread_name_prefix="jupyter_research_render")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="jupyter_research_read")
        self._sockets: defaultdict[str, set[Closable]] = defaultdict(set)
        self._closed = False

    async def runtime(self) -> Runtime:
        """Give the runtime, opened."""
        if self.opened is not None:
            return self.opened
        async with self._opening:
            if self._closed:
                raise LimitReached("The server is shutting down: try again when it is back.")
            if self.opened is None:
                self.opened = await self.call(self._open, asyncio.get_running_loop())
        return self.opened

    async def call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what blocks in a thread, without the request's context: work must not inherit it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: method(*args, **kwargs))

    async def render(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what computes for a while in one of few threads of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._renderers, lambda: method(*args, **kwargs))

    async def read(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what reads files for as long as it takes, so that nobody's report waits for it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: method(*args, **kwargs))

    def full(self, owner: str) -> bool:
        """Tell whether an owner has as many sockets as one may have."""
        return len(self._sockets.get(owner, ())) >= self.max_sockets_per_owner

    def entered(self, owner: str, socket: Closable) -> None:
        """Count an open socket."""
        self._sockets[owner].add(socket)

    def left(self, owner: str, socket: Closable) -> None:
        """Count a socket no more."""
        self._sockets[owner].discard(socket)
        if not self._sockets[owner]:
            del self._sockets[owner]

    async def close(self) -> None:
        """Close the sockets, then the runtime, off the loop."""
        self._closed = True
        for socket in [socket for sockets in self._sockets.values() for socket in sockets]:
            socket.close(1001, "The server is shutting down.")
        async with self._opening:
            if self.opened is not None:
                # A thread of its own: those of the pool may all wait for what only this ends.
                with ThreadPoolExecutor(1) as closer:
                    await asyncio.get_running_loop().run_in_executor(closer, self.opened.close)
        for pool in (self._pool, self._renderers, self._readers):
            pool.shutdown(wait=False, cancel_futures=True)

    def _open(self, loop: asyncio.AbstractEventLoop) -> Runtime:
        runtime = self._build()
        runtime.broadcast.attach(loop, self._pool)
        runtime.open()
        return runtime
