"""Answer the REST table of the contract: parse, call, finish."""

from __future__ import annotations

from tornado import web

from .errors import InvalidRequest, SwitchedOff
from .report_handlers import (
    AskHandler,
    LibrarySearchHandler,
    OutputHandler,
    ReportHandler,
    SearchHandler,
    SourceHandler,
)
from .rest import ResearchHandler, authorized
from .session_handlers import (
    CommandHandler,
    DecisionHandler,
    EventsHandler,
    SessionHandler,
    SessionsHandler,
    TestUpdateHandler,
)
from .sockets import SessionSocket


class HealthHandler(ResearchHandler):
    """Say that the extension is here, and how many sessions one has."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self) -> None:
        """Answer with the version and one's own sessions by state."""
        runtime = await self.access.runtime()
        sessions = await self.access.call(runtime.counts, self.caller)
        notices = await self.access.call(runtime.notices)
        self.answer(
            {
                "status": "healthy",
                "version": runtime.version,
                "websocket_enabled": True,
                "sessions": sessions,
                **({"notices": notices} if notices else {}),
            }
        )


class ChoicesHandler(ResearchHandler):
    """List what can be chosen: researchers, models, libraries, online sources."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, noun: str) -> None:
        """Answer with name and description of each."""
        runtime = await self.access.runtime()
        if noun == "models":
            check = bool(self.whole("check", 0, 0, 1))
            found = await self.access.call(runtime.models, self.caller, check=check)
        elif noun == "sources":
            found = await self.access.call(runtime.sources, self.caller)
        else:
            found = await self.access.call(getattr(runtime, noun))
        self.answer({noun: found})


class DefaultsHandler(ResearchHandler):
    """Keep what one has chosen for all one's sessions."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self) -> None:
        """Answer with one's choices."""
        runtime = await self.access.runtime()
        self.answer(await self.access.call(runtime.defaults, self.caller))

    @web.authenticated
    @authorized("write", "research")
    async def put(self) -> None:
        """Take the choices of the body in place of the earlier ones."""
        if not self.whole_body():
            raise InvalidRequest(
                "Give the choices as a JSON object: an empty one forgets those that were kept."
            )
        body = self.body()
        runtime = await self.access.runtime()
        self.answer(await self.access.call(runtime.keep_defaults, self.caller, body))


class OpenApiHandler(ResearchHandler):
    """Describe this table to machines."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self) -> None:
        """Answer with the OpenAPI document."""
        self.send(await self.access.call(openapi), "application/yaml")


class NothingHandler(ResearchHandler):
    """Answer paths that lead nowhere, as JSON like everything here."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self) -> None:
        """Say that there is nothing."""
        raise web.HTTPError(404)

    @web.authenticated
    @authorized("write", "research")
    async def post(self) -> None:
        """Say that there is nothing."""
        raise web.HTTPError(404)

    put = patch = delete = post


class SwitchedOffHandler(ResearchHandler):
    """Say on every path that there is no research here, so that a kernel does not advise to install it."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self) -> None:
        """Refuse."""
        raise SwitchedOff

    @web.authenticated
    @authorized("write", "research")
    async def post(self) -> None:
        """Refuse."""
        raise SwitchedOff

    put = patch = delete = post


def openapi() -> bytes:
    """Read the description of this table."""
    from importlib.resources import files

    return files(__package__).joinpath("openapi.yaml").read_bytes()


_SESSION = r"/sessions/(?P<session_id>[^/]+)"

#: Paths beneath `{base_url}research/api`.
ROUTES: list[tuple[str, type[web.RequestHandler]]] = [
    (r"/health", HealthHandler),
    (r"/(?P<noun>researchers|models|libraries|sources)", ChoicesHandler),
    (r"/defaults", DefaultsHandler),
    (r"/search", LibrarySearchHandler),
    (r"/sessions", SessionsHandler),
    (_SESSION, SessionHandler),
    (_SESSION + r"/(?P<action>approve|modify)", DecisionHandler),
    (_SESSION + r"/(?P<action>pause|resume|cancel)", CommandHandler),
    (_SESSION + r"/events", EventsHandler),
    (_SESSION + r"/report", ReportHandler),
    (_SESSION + r"/output", OutputHandler),
    (_SESSION + r"/search", SearchHandler),
    (_SESSION + r"/ask", AskHandler),
    (_SESSION + r"/sources/(?P<source_id>[^/]+)", SourceHandler),
    (r"/test-websocket", TestUpdateHandler),
    (r"/openapi\.yaml", OpenApiHandler),
    (r"/ws", SessionSocket),
    (r"(?:/.*)?", NothingHandler),
]

#: The same where research is switched off.
SWITCHED_OFF: list[tuple[str, type[web.RequestHandler]]] = [(r"(?:/.*)?", SwitchedOffHandler)]
