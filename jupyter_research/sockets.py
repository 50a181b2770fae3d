"""Let a page follow its sessions: one socket, many joins; commands go by REST."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.ioloop import PeriodicCallback
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from .errors import InvalidRequest, LimitReached, ResearchError, SessionNotFound
from .events import State
from .identity import still_allowed
from .rest import JsonErrors, authorized, parse

if TYPE_CHECKING:
    from .broadcast import Viewer
    from .runtime import Runtime

#: Sessions that one socket may have joined.
MAX_JOINED: Final = 1000

#: Seconds that a farewell may take.
FAREWELL_SECONDS: Final = 5.0


class SessionSocket(JsonErrors, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Bring a person's sessions to one page."""

    auth_resource = "research"

    #: Seconds between two looks whether the person may still see this; a minute at most, the look included.
    recheck_seconds = 45.0
    #: Seconds between two pings where the server does not say.
    ping_seconds = 30.0
    #: Bytes of one message of the viewer's; joins are short.
    max_message_size = 64 * 1024
    # Neither Tornado's pings nor the mixin's: the two read one property in different units, and both keep a
    # server alive for a forgotten tab, because a Hub's proxy takes the pong for activity.
    ping_interval = 0

    runtime: Runtime
    viewer: Viewer

    @ws_authenticated
    @authorized("execute", "research")
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open the socket, or say in JSON why not."""
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            self.set_header("Upgrade", "websocket")
            raise web.HTTPError(426)
        if self.get_origin() is not None and not self.check_origin():
            raise web.HTTPError(403)
        self.runtime = await self.access.runtime()
        if self.access.full(self.caller.owner):
            raise LimitReached(
                f"{self.access.max_sockets_per_owner} pages are connected already: close some of them."
            )
        await super().get(*args, **kwargs)

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Begin to follow."""
        self.owner = self.caller
        self.unanswered = 0
        self.viewer = self.runtime.broadcast.viewer(self.send)
        self.access.entered(self.owner.owner, self)
        self._notice_dead_peers()
        seconds = self.settings.get("websocket_ping_interval") or self.ping_seconds
        self.clocks = [
            PeriodicCallback(self.keep_alive, seconds * 1000),
            # Not all at the same moment: each look may ask the Hub.
            PeriodicCallback(self.recheck, self.recheck_seconds * 1000, jitter=0.2),
        ]
        for clock in self.clocks:
            clock.start()

    def on_close(self) -> None:
        """Forget the viewer."""
        for clock in self.clocks:
            clock.stop()
        self.access.left(self.owner.owner, self)
        self.runtime.broadcast.leave_all(self.viewer)

    def send(self, text: bytes) -> Awaitable[None] | None:
        """Begin to send one frame; give what to wait for where the viewer does not keep up."""
        try:
            written = self.write_message(text)
        except WebSocketClosedError as cause:
            raise ConnectionError("The viewer has gone.") from cause
        stream = self.ws_connection.stream if self.ws_connection else None
        if stream is None or stream.writing():
            return _until(written)
        # All of it is with the system already. Should the connection have broken, `on_close` follows.
        written.add_done_callback(lambda done: done.cancelled() or done.exception())
        return None

    async def on_message(self, message: str | bytes) -> None:
        """Join or leave a session; a mistake is answered and the socket stays open."""
        session_id = None
        try:
            wish = parse(message, "message")
            given = wish.get("session_id")
            # Only a text goes back in the answer: JSON has numbers that cannot be written again.
            session_id = given if isinstance(given, str) else None
            await self.obey(wish, session_id)
        except ResearchError as error:
            answer = {"type": "error", "code": error.code, "message": str(error), "session_id": session_id}
            await self.viewer.send(answer)
        except ConnectionError:
            self.log.debug("A viewer left before its answer.")

    async def obey(self, wish: dict[str, Any], session_id: Any) -> None:
        """Do what a message asks for."""
        kind = wish.get("type")
        if kind not in ("join_session", "leave_session"):
            raise InvalidRequest("type must be join_session or leave_session.")
        if not isinstance(session_id, str):
            raise InvalidRequest("session_id must be a text.")
        if kind == "join_session":
            await self.join(session_id, wish.get("after"), wish.get("log"))
        else:
            if session_id not in self.viewer.cursors:
                # Raises for what is unknown or another's, as a join does.
                await self.access.call(self.runtime.get, self.owner, session_id)
            await self.leave(session_id, "left")

    async def join(self, session_id: str, after: Any, log_id: Any) -> None:
        """Follow a session from `after` on, or from its snapshot."""
        if after is not None and (type(after) is not int or after < 0):
            raise InvalidRequest("after must be a whole number from 0.")
        if log_id is not None and not isinstance(log_id, str):
            raise InvalidRequest("log must be a text.")
        if len(self.viewer.cursors) >= MAX_JOINED and session_id not in self.viewer.cursors:
            raise LimitReached(f"One connection joins {MAX_JOINED} sessions at most: leave some.")
        session_log = await self.access.call(self.runtime.log_of, self.owner, session_id)
        await self.runtime.broadcast.join(self.viewer, session_log, after, log_id)

    async def leave(self, session_id: str, reason: str) -> None:
        """Follow a session no more."""
        self.runtime.broadcast.leave(self.viewer, session_id)
        await self.viewer.send({"type": "session_left", "session_id": session_id, "reason": reason})

    async def keep_alive(self) -> None:
        """Ping while a joined session works, so that no proxy cuts the line during a long model call."""
        if self.unanswered >= 3:
            self.close(1001, "No answer to a ping.")
        elif await self.access.call(self.any_works, list(self.viewer.cursors)):
            self.unanswered += 1
            try:
                self.ping(b"")
            except WebSocketClosedError:
                self.log.debug("A viewer left before its ping.")

    def any_works(self, session_ids: list[str]) -> bool:
        """Tell whether one of these sessions works; may read from disk."""
        for session_id in session_ids:
            try:
                if State(self.runtime.get(self.owner, session_id)["state"]).working:
                    return True
            except SessionNotFound:
                continue  # Deleted since.
        return False

    def on_pong(self, data: bytes) -> None:
        """Take note that the viewer is there."""
        self.unanswered = 0

    async def recheck(self) -> None:
        """Close the socket of a person who may not have it any more."""
        try:
            allowed = await still_allowed(self, self.access.server_user)
        except Exception as error:
            # A Hub that restarts is no answer; the next look comes soon.
            self.log.warning("Could not ask whether a socket may stay open: %s", error)
            return
        if not allowed:
            await self.revoke()

    async def revoke(self) -> None:
        """Show nothing more, say so, and close; a viewer who does not read is not waited for."""
        session_ids = list(self.viewer.cursors)
        self.runtime.broadcast.leave_all(self.viewer)
        try:
            for session_id in session_ids:
                await asyncio.wait_for(self.leave(session_id, "revoked"), FAREWELL_SECONDS)
        except (TimeoutError, ConnectionError):
            self.log.debug("A viewer did not hear that its access was taken back.")
        self.close(1008, "Access was taken back.")

    def _notice_dead_peers(self) -> None:
        """Let the kernel look for peers that vanished, in packets that no proxy takes for activity."""
        stream = self.ws_connection.stream if self.ws_connection else None
        if stream is None:
            return
        try:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError as error:
            self.log.debug("No keep-alive on this socket: %s", error)


async def _until(written: Awaitable[None]) -> None:
    """Wait until a frame is on its way, which slows nobody but its viewer."""
    try:
        await written
    except (WebSocketClosedError, StreamClosedError) as cause:
        raise ConnectionError("The viewer has gone.") from cause
