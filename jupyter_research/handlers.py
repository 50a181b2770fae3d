"""Answer the REST table of the contract: parse, call, finish."""

from __future__ import annotations

import asyncio
import re

from tornado import web

from .errors import InvalidRequest, SessionNotFound, SwitchedOff
from .events import State
from .rest import ResearchHandler, authorized
from .sockets import SessionSocket

#: Seconds that a request for events may wait for one.
MAX_WAIT = 30


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
        # Whether a provider answers is asked with the host's keys, so not for a guest.
        if noun == "models":
            check = bool(self.whole("check", 0, 0, 1))
            found = await self.access.call(runtime.models, self.caller, check=check)
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
        body = self.body()
        runtime = await self.access.runtime()
        self.answer(await self.access.call(runtime.keep_defaults, self.caller, body))


class SessionsHandler(ResearchHandler):
    """List sessions and start one."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self) -> None:
        """Answer with one page of one's own sessions, newest first."""
        states = self.states()
        limit = self.whole("limit", 50, 1, 200)
        before = self.get_query_argument("before", None)
        runtime = await self.access.runtime()
        sessions, cursor = await self.access.call(
            runtime.list, self.caller, states=states, limit=limit, before=before
        )
        self.answer({"sessions": sessions, "next": cursor})

    @web.authenticated
    @authorized("write", "research")
    async def post(self) -> None:
        """Start a session, or find the one of the same key again."""
        body = self.body()
        runtime = await self.access.runtime()
        snapshot, created = await self.access.call(runtime.start, self.caller, body)
        self.set_header("Location", f"{self.api_url}/sessions/{snapshot['session_id']}")
        self.answer(snapshot, 202 if created else 200)

    def states(self) -> list[str]:
        """Give the states asked for: `state=a&state=b` or `state=a,b`."""
        given = ",".join(self.get_query_arguments("state"))
        names = [name for name in given.split(",") if name]
        for name in names:
            if name not in set(State):
                raise InvalidRequest(f"state must be one of {', '.join(state.value for state in State)}.")
        return names


class SessionHandler(ResearchHandler):
    """Show and delete one session."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str) -> None:
        """Answer with the snapshot."""
        runtime = await self.access.runtime()
        self.answer(await self.access.call(runtime.get, self.caller, known(session_id)))

    @web.authenticated
    @authorized("write", "research")
    async def delete(self, session_id: str) -> None:
        """Delete the session, cancelled first where it is not finished."""
        runtime = await self.access.runtime()
        await self.access.call(runtime.delete, self.caller, known(session_id))
        self.set_status(204)
        await self.finish()


class DecisionHandler(ResearchHandler):
    """Approve a proposal, or ask for a change."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self, session_id: str, action: str) -> None:
        """Answer with the snapshot after the decision."""
        body = self.body()
        runtime = await self.access.runtime()
        command = {"approve": runtime.approve, "modify": runtime.modify}[action]
        self.answer(await self.access.call(command, self.caller, known(session_id), body), 202)


class CommandHandler(ResearchHandler):
    """Pause, resume or cancel a session."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self, session_id: str, action: str) -> None:
        """Answer with the snapshot after the transition."""
        self.fields()
        runtime = await self.access.runtime()
        commands = {"pause": runtime.pause, "resume": runtime.resume, "cancel": runtime.cancel}
        self.answer(await self.access.call(commands[action], self.caller, known(session_id)), 202)


class EventsHandler(ResearchHandler):
    """Read a session's log."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str) -> None:
        """Answer with the events after `after`; with `wait`, hold on until there is one."""
        after = self.whole("after", 0, 0, 2**53)
        limit = self.whole("limit", 200, 1, 1000)
        wait = self.whole("wait", 0, 0, MAX_WAIT)
        runtime = await self.access.runtime()
        if wait:
            session_log = await self.access.call(runtime.log_here, self.caller, known(session_id))
            if session_log is None:
                await asyncio.sleep(runtime.foreign_pace)  # Another server writes it: the caller looks again.
            else:
                await runtime.broadcast.wait(session_log, after, wait)
        events, last = await self.access.call(
            runtime.events, self.caller, known(session_id), after=after, limit=limit
        )
        # Stored text goes out as it is: parsing it again would be most of the work.
        self.send(b'{"events":[%s],"last":%d}' % (b",".join(events), last))


class ReportHandler(ResearchHandler):
    """Give the report as a document."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str) -> None:
        """Answer with the report in the format asked for, or with the part that a cancelled session has."""
        name = self.get_query_argument("format", "markdown")
        download, partial = self.whole("download", 0, 0, 1), self.whole("partial", 0, 0, 1)
        runtime = await self.access.runtime()
        document, media_type, filename = await self.access.render(
            runtime.export, self.caller, known(session_id), name, partial=bool(partial)
        )
        if download:
            self.set_attachment_header(filename)
        if media_type.startswith("text/html"):
            # The text comes from documents that nobody has vetted, and this is the server's origin.
            self.set_header("Content-Security-Policy", self.sandbox)
        self.send(document, media_type)

    @property
    def sandbox(self) -> str:
        """Give the policy for a page that may show itself and nothing else."""
        rules = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"
        return f"{rules}; base-uri 'none'; frame-ancestors 'self'"


class SourceHandler(ResearchHandler):
    """Give the stored text that citations count in."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str, source_id: str) -> None:
        """Answer with title and text."""
        runtime = await self.access.runtime()
        source = await self.access.call(runtime.source, self.caller, known(session_id), source_id)
        self.answer(source)


class SearchHandler(ResearchHandler):
    """Search what a session has read."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self, session_id: str) -> None:
        """Answer with the passages that fit best; by POST, since addresses stand in logs."""
        fields = self.body()
        runtime = await self.access.runtime()
        found = await self.access.render(
            runtime.search_session, self.caller, known(session_id), *query_of(fields)
        )
        self.answer({"passages": found})


class AskHandler(ResearchHandler):
    """Answer questions from what a session has read."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self, session_id: str) -> None:
        """Answer with a report of one section, and with the same in Markdown."""
        question = self.fields("question")["question"]
        if not isinstance(question, str):
            raise InvalidRequest("question must be a text.")
        runtime = await self.access.runtime()
        self.answer(await self.access.render(runtime.ask, self.caller, known(session_id), question))


class TestUpdateHandler(ResearchHandler):
    """Send an update through the whole chain, for those who look for a broken link."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self) -> None:
        """Answer with the event that the session's viewers get."""
        session_id = self.fields("session_id")["session_id"]
        if not isinstance(session_id, str):
            raise InvalidRequest("session_id must be a text.")
        runtime = await self.access.runtime()
        self.answer(await self.access.call(runtime.test_update, self.caller, known(session_id)), 202)


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


def query_of(fields: dict[str, object]) -> tuple[str, int]:
    """Read the body of a search."""
    unknown = sorted(set(fields) - {"query", "k"})
    if unknown:
        raise InvalidRequest(f"Unknown field {unknown[0]!r}: k, query are allowed.")
    query, k = fields.get("query"), fields.get("k", 20)
    if not isinstance(query, str) or type(k) is not int:
        raise InvalidRequest("query must be a text, and k a whole number.")
    return query, k


def known(session_id: str) -> str:
    """Give an id that could be one, so that nothing else gets past this module."""
    if re.fullmatch("[0-9a-f]{32}", session_id) is None:
        raise SessionNotFound
    return session_id


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
    (r"/sessions", SessionsHandler),
    (_SESSION, SessionHandler),
    (_SESSION + r"/(?P<action>approve|modify)", DecisionHandler),
    (_SESSION + r"/(?P<action>pause|resume|cancel)", CommandHandler),
    (_SESSION + r"/events", EventsHandler),
    (_SESSION + r"/report", ReportHandler),
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
