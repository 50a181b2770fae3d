"""Take the body of a request as it comes, and keep no more of it than a request may have."""

from __future__ import annotations

from typing import Any, Final

from tornado import web
from tornado.concurrent import future_set_result_unless_cancelled
from tornado.iostream import StreamClosedError

from .errors import TooLarge

#: Bytes of a body; the longest topic with a generous proposal is a tenth of it.
MAX_BODY: Final = 1024 * 1024


@web.stream_request_body
class BoundedBody(web.RequestHandler):
    """Be a handler that has its whole body when it begins, and lets what is too much go by.

    Left to itself Tornado gathers a body in memory before anybody asks who sends it, up to the hundreds of
    megabytes that Jupyter allows for uploads of files.
    """

    _gathered: bytearray

    async def _execute(self, transforms: Any, *args: bytes, **kwargs: bytes) -> None:
        """Begin when the body is here.

        With a streamed body Tornado begins before, and ends the connection with a refusal; a client that
        still sends then is cut off before it reads why.
        """
        self._gathered = bytearray()
        prepared: Any = self._prepared_future  # Tornado awaits it before it reads on.
        self._prepared_future = None
        arrived = self.request._body_future
        if self._asks_first() and self._declared() > MAX_BODY:
            # Nothing has been sent, and the refusal says that nothing should be.
            future_set_result_unless_cancelled(arrived, None)
        else:
            future_set_result_unless_cancelled(prepared, None)
        try:
            await arrived
            await super()._execute(transforms, *args, **kwargs)
        except StreamClosedError:
            pass  # The client has gone.
        finally:
            if not prepared.done():
                prepared.set_result(None)

    def on_connection_close(self) -> None:
        """Begin nothing for a client that goes away before its body is here."""
        arrived = self.request._body_future
        if arrived.done():
            super().on_connection_close()
        else:
            arrived.set_exception(StreamClosedError())

    def data_received(self, chunk: bytes) -> None:
        """Keep as much as shows that it is too much."""
        self._gathered += chunk[: MAX_BODY + 1 - len(self._gathered)]

    def whole_body(self) -> bytes:
        """Give the body.

        Raises:
            TooLarge: it is, or is said to become, larger than a request may be.
        """
        if max(len(self._gathered), self._declared()) > MAX_BODY:
            raise TooLarge(f"The body is larger than {MAX_BODY // 1024} KiB.")
        return bytes(self._gathered)

    def _asks_first(self) -> bool:
        return self.request.headers.get("Expect", "").lower() == "100-continue"

    def _declared(self) -> int:
        given = self.request.headers.get("Content-Length", "")
        return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0
