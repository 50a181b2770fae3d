"""Start, list, show and command sessions."""

from __future__ import annotations

import asyncio

from tornado import web

from .errors import InvalidRequest
from .events import State
from .rest import ResearchHandler, authorized, known

#: Seconds that a request for events may wait for one.
MAX_WAIT = 30


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
        """Give the states asked for: `state=a&state=b` or `state=a,b`; an empty one asks for nothing."""
        given = ",".join(self.get_query_arguments("state", strip=False))
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
