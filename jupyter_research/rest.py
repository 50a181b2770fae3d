"""Parse requests and write answers: what every handler does in the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, cast

from jupyter_server.auth import decorator
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from . import errors
from .bodies import BoundedBody
from .identity import caller_of, still_known
from .work import Caller

if TYPE_CHECKING:
    from .access import Access

F = TypeVar("F", bound=Callable[..., Any])

#: The nearest class up the tree decides; what is not here is the server's fault.
STATUS: Final[dict[type[errors.ResearchError], int]] = {
    errors.InvalidRequest: 400,
    errors.SessionNotFound: 404,
    errors.SourceNotFound: 404,
    errors.SwitchedOff: 404,
    errors.WrongState: 409,
    errors.StaleVersion: 409,
    errors.NotReady: 409,
    errors.WaitsForApproval: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.LimitReached: 429,
    errors.ResearchError: 500,
}

#: What to say where the web framework refused.
_REFUSALS: Final[dict[int, tuple[str, str]]] = {
    400: ("invalid", "The request is not of the form that this route takes."),
    401: ("unauthenticated", "Log in first, or send a token of this server."),
    403: ("forbidden", "You may not do that here."),
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not take that method."),
    413: ("too_large", "The body is too large."),
    426: ("upgrade_required", "This path takes WebSocket connections only."),
    429: ("limit", "Too many connections: close a page, then try again."),
    503: ("unavailable", "JupyterHub does not answer whether you may come in: try again in a moment."),
}
_FAULT: Final = ("error", "The server could not answer; its log says why.")


class JsonErrors(BoundedBody, JupyterHandler):
    """Answer every error with a sentence and a word for programs."""

    access: Access

    def initialize(self, access: Access) -> None:
        """Take what the handlers share."""
        self.access = access

    @property
    def caller(self) -> Caller:
        """Say on whose behalf this request comes."""
        return caller_of(self, self.access.server_user)

    async def prepare(self, **options: Any) -> None:
        """Ask for a guest anew: what the Hub said is cached for minutes, and access is taken back at once."""
        await super().prepare(**options)
        if self.current_user is not None and self.caller.guest and not await self._still_known():
            self.current_user = self._jupyter_current_user = None
            raise web.HTTPError(403)

    async def _still_known(self) -> bool:
        try:
            return await still_known(self, self.access.server_user)
        except web.HTTPError as cause:
            raise web.HTTPError(503) from cause

    def log_exception(self, kind: Any, value: Any, traceback: Any) -> None:
        """Keep the client's mistakes out of the log's errors."""
        if isinstance(value, errors.ResearchError) and status_of(value) < 500:
            self.log.debug("%s %s: %s", self.request.method, self.request.path, value.code)
        else:
            super().log_exception(kind, value, traceback)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Find the status for an error of ours."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, errors.ResearchError):
            status_code = status_of(error)
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, errors.ResearchError):
            body = error.to_json()
        else:
            code, sentence = self._refusal(status_code, error)
            body = {"error": sentence, "code": code}
        if isinstance(error, errors.LimitReached):
            self.set_header("Retry-After", str(error.retry_after))
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body, ensure_ascii=False))

    def _refusal(self, status_code: int, error: Any) -> tuple[str, str]:
        if status_code == 403 and getattr(self, "_jupyter_current_user", None) is None:
            return _REFUSALS[401]
        if status_code == 403 and "xsrf" in str(getattr(error, "log_message", "")).lower():
            return "xsrf", "Send the cookie _xsrf as the header X-XSRFToken too, or a token of this server."
        return _REFUSALS.get(status_code, _FAULT)

    def _methods(self) -> list[str]:
        return [
            name
            for name in self.SUPPORTED_METHODS
            if getattr(type(self), name.lower()) is not web.RequestHandler._unimplemented_method
        ]


class ResearchHandler(JsonErrors, APIHandler):
    """Parse a request and write its answer."""

    auth_resource = "research"

    def set_default_headers(self) -> None:
        """Let no cache keep what belongs to one person and changes by the second."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    @property
    def _track_activity(self) -> bool:  # type: ignore[override]  # a plain attribute upstream
        """Tell the server's culler: cards poll, so what only reads keeps no server alive."""
        return self.request.method not in ("GET", "HEAD")

    @property
    def api_url(self) -> str:
        """Give the path that the table stands beneath."""
        return url_path_join(self.base_url, "research/api")

    def body(self) -> dict[str, Any]:
        """Give the JSON object of the body; an absent body is an empty one."""
        given = self.whole_body()
        if not given:
            return {}
        if self.request.headers.get("Content-Type", "").split(";")[0].strip().lower() != "application/json":
            raise errors.UnsupportedMediaType
        return parse(given)

    def fields(self, *names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
        """Give the body where it has these fields and no other than the optional ones."""
        body = self.body()
        for name in body:
            if name not in names and name not in optional:
                raise errors.InvalidRequest(f"There is no field {name[:80]!r} in this request.")
        for name in names:
            if name not in body:
                raise errors.InvalidRequest(f"The field {name} is missing.")
        return body

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """Give a query parameter that is a whole number from `low` to `high`."""
        given = self.get_query_argument(name, None)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit() and len(given) < 20 and low <= int(given) <= high):
            raise errors.InvalidRequest(f"{name} must be a whole number from {low} to {high}.")
        return int(given)

    def answer(self, data: Any, status: int = 200) -> None:
        """Finish with JSON."""
        self.set_status(status)
        self.send(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())

    def send(self, document: bytes, media_type: str = "application/json") -> None:
        """Finish with a document."""
        self.finish(document, set_content_type=media_type)


def authorized(action: str, resource: str) -> Callable[[F], F]:
    """Let through whom the authorizer lets: Jupyter's own decorator, with a type.

    Both arguments are asked for: what Jupyter would fill in it remembers from the first request on, also
    for the classes that inherit the method.
    """
    return cast("Callable[[F], F]", decorator.authorized(action, resource))


def status_of(error: errors.ResearchError) -> int:
    """Give the HTTP status that an error means."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def known(session_id: str) -> str:
    """Give an id that could be one, so that nothing else gets past the handlers."""
    if re.fullmatch("[0-9a-f]{32}", session_id) is None:
        raise errors.SessionNotFound
    return session_id


def parse(text: bytes | str, name: str = "body") -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InvalidRequest: it is no JSON, no object, or holds what UTF-8 cannot.
    """
    try:
        data = json.loads(text, parse_constant=_no_constant)
        # A number too large for a computer is infinite when it has been read.
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as cause:
        raise errors.InvalidRequest(f"The {name} is no valid JSON in UTF-8.") from cause
    if not isinstance(data, dict):
        raise errors.InvalidRequest(f"The {name} must be a JSON object.")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
