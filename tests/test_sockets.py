"""The socket: joining, following, leaving, and who is shown out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE, Person, hang_up, messages, until
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect
from traitlets.config import Config

from jupyter_research.events import initial, reduce_all
from jupyter_research.sockets import FAREWELL_SECONDS, SessionSocket

NOBODY = "0" * 32


async def say(socket: WebSocketClientConnection, kind: str, **fields: Any) -> None:
    await socket.write_message(json.dumps({"type": kind, **fields}))


async def hear(socket: WebSocketClientConnection) -> dict[str, Any] | None:
    """Read one message; None when the server has closed."""
    text = await asyncio.wait_for(socket.read_message(), DEADLINE)
    return None if text is None else json.loads(text)


async def follow(
    socket: WebSocketClientConnection, *session_ids: str, **options: Any
) -> dict[str, list[Any]]:
    """Join sessions and read their events up to the end of each."""
    for session_id in session_ids:
        await say(socket, "join_session", session_id=session_id, **options)
    events: dict[str, list[Any]] = {session_id: [] for session_id in session_ids}
    ended: set[str] = set()
    while ended != set(session_ids):
        message = await hear(socket)
        assert message is not None
        if message["type"] == "events":
            events[message["session_id"]] += message["events"]
            if message["events"][-1]["kind"] == "research_completed":
                ended.add(message["session_id"])
    return events


async def test_viewer_sees_every_event_once_and_in_order(me: Person) -> None:
    session_id = (await me.start(options={"steps": 50}))["session_id"]
    socket = await me.connect()
    events = (await follow(socket, session_id, after=0))[session_id]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert sum(event["step"] == "STEP" for event in events) == 50


async def test_late_viewer_sees_what_rest_shows(me: Person) -> None:
    session_id = (await me.start(options={"steps": 1500}))["session_id"]
    snapshot = await me.until(session_id, "completed")
    socket = await me.connect()
    events = (await follow(socket, session_id, after=0))[session_id]
    assert reduce_all(initial(session_id), events) == {k: v for k, v in snapshot.items() if k != "viewers"}


async def test_join_without_a_cursor_gets_the_snapshot_and_what_follows(me: Person, tmp_path: Path) -> None:
    go = tmp_path / "go"
    session_id = (await me.start(researcher="slow", options={"until": str(go)}))["session_id"]
    await me.until(session_id, "researching")
    socket = await me.connect()
    await say(socket, "join_session", session_id=session_id)
    joined = await hear(socket)
    assert joined is not None
    assert joined["type"] == "session_joined"
    assert (joined["reset"], joined["last"]) == (False, joined["snapshot"]["last_seq"])
    assert joined["snapshot"]["viewers"] == 1
    go.touch()
    message = await hear(socket)
    assert message is not None
    assert message["events"][0]["seq"] == joined["last"] + 1


async def test_viewer_comes_back_to_where_it_was(me: Person) -> None:
    session_id = (await me.start(options={"steps": 10}))["session_id"]
    await me.until(session_id, "completed")
    socket = await me.connect()
    await say(socket, "join_session", session_id=session_id, after=5)
    joined, frame = await messages(socket, "events")
    assert frame["events"][0]["seq"] == 6
    # Another life of the log, and a cursor beyond its end: everything anew.
    for options in ({"after": 5, "log": "another"}, {"after": 10_000, "log": joined["log"]}):
        await say(socket, "join_session", session_id=session_id, **options)
        joined, frame = await messages(socket, "events")
        assert joined["reset"] is True
        assert frame["events"][0]["seq"] == 1


async def test_two_sessions_at_once_are_told_apart(me: Person) -> None:
    ids = [(await me.start(topic=f"topic {number}"))["session_id"] for number in range(2)]
    socket = await me.connect()
    for session_id, events in (await follow(socket, *ids, after=0)).items():
        assert {event["session_id"] for event in events} == {session_id}
        assert events[0]["detail"]["topic"] == f"topic {ids.index(session_id)}"


async def test_what_is_left_or_deleted_is_heard_no_more(me: Person, tmp_path: Path) -> None:
    ids = [
        (await me.start(researcher="slow", topic=name))["session_id"] for name in ("left", "deleted", "kept")
    ]
    for session_id in ids:
        await me.until(session_id, "researching")
    socket = await me.connect()
    for session_id in ids:
        await say(socket, "join_session", session_id=session_id)
    await messages(socket, "session_joined", 3)
    # Twice: who is not sure that it has left may leave again.
    for _ in range(2):
        await say(socket, "leave_session", session_id=ids[0])
        assert (await messages(socket, "session_left"))[-1]["reason"] == "left"
    await me.ask("DELETE", f"sessions/{ids[1]}")
    gone = (await messages(socket, "session_left"))[-1]
    assert (gone["session_id"], gone["reason"]) == (ids[1], "deleted")
    await me.post("test-websocket", {"session_id": ids[0]})
    last = await me.post("test-websocket", {"session_id": ids[2]})
    heard = [event for frame in await messages(socket, "events") for event in frame["events"]]
    while last not in heard:
        heard += [event for frame in await messages(socket, "events") for event in frame["events"]]
    assert {event["session_id"] for event in heard} == {ids[2]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no json", "invalid"),
        ("[]", "invalid"),
        (b"\xff\xfe", "invalid"),
        ("{}", "invalid"),
        ('{"type": "shout", "session_id": "x"}', "invalid"),
        ('{"type": "join_session"}', "invalid"),
        ('{"type": "join_session", "session_id": 7}', "invalid"),
        (f'{{"type": "join_session", "session_id": {2**70}}}', "invalid"),
        (f'{{"type": "shout", "session_id": [{-(2**70)}]}}', "invalid"),
        ('{"type": "join_session", "session_id": "x"}', "not_found"),
        (f'{{"type": "join_session", "session_id": "{NOBODY}"}}', "not_found"),
        (f'{{"type": "leave_session", "session_id": "{NOBODY}"}}', "not_found"),
        (f'{{"type": "join_session", "session_id": "{NOBODY}", "after": -1}}', "invalid"),
        (f'{{"type": "join_session", "session_id": "{NOBODY}", "after": "1"}}', "invalid"),
        (f'{{"type": "join_session", "session_id": "{NOBODY}", "after": true}}', "invalid"),
        (f'{{"type": "join_session", "session_id": "{NOBODY}", "log": 1}}', "invalid"),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_mistake_is_answered_and_the_socket_stays_open(me: Person, text: Any, code: str) -> None:
    session_id = (await me.start())["session_id"]
    socket = await me.connect()
    await socket.write_message(text, binary=isinstance(text, bytes))
    answer = await hear(socket)
    assert answer is not None
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["message"].endswith(".")
    assert (await follow(socket, session_id, after=0))[session_id]


async def test_long_message_ends_the_connection(me: Person) -> None:
    socket = await me.connect()
    await socket.write_message("x" * (SessionSocket.max_message_size + 1))
    assert await hear(socket) is None


async def test_closed_socket_is_forgotten(me: Person, jp_web_app: Any) -> None:
    session_id = (await me.start(researcher="slow"))["session_id"]
    socket = await me.connect()
    await say(socket, "join_session", session_id=session_id)
    await messages(socket, "session_joined")
    socket.close()

    async def forgotten() -> bool:
        return (await me.get(f"sessions/{session_id}"))["viewers"] == 0

    await until(forgotten)
    access = jp_web_app.settings["jupyter_research"].access
    assert not access.full("local")
    assert not access._sockets


async def test_page_of_a_foreign_origin_gets_no_socket(
    me: Person, jp_http_port: int, jp_base_url: str
) -> None:
    seen = await me.ask("GET", "health")
    cookies = "; ".join(text.split(";")[0] for text in seen.headers.get_list("Set-Cookie"))
    url = f"ws://127.0.0.1:{jp_http_port}{jp_base_url}research/api/ws"
    own = {"Cookie": cookies, "Origin": f"http://127.0.0.1:{jp_http_port}"}
    await hang_up(await websocket_connect(HTTPRequest(url, headers=own)))
    with pytest.raises(HTTPClientError) as refusal:
        await websocket_connect(HTTPRequest(url, headers={**own, "Origin": "https://evil.example"}))
    assert refusal.value.code == 403


class TestFull:
    @pytest.fixture
    def research_config(self) -> dict[str, Any]:
        return {"max_sockets_per_owner": 2}

    async def test_one_socket_too_many_is_refused_until_another_closes(self, me: Person) -> None:
        sockets = [await me.connect() for _ in range(2)]
        with pytest.raises(HTTPClientError) as refusal:
            await me.connect()
        assert refusal.value.code == 429
        assert refusal.value.response is not None
        assert int(refusal.value.response.headers["Retry-After"]) > 0
        assert json.loads(refusal.value.response.body)["code"] == "limit"
        sockets.pop().close()

        async def again() -> Any:
            try:
                return await me.connect()
            except HTTPClientError:
                return None

        sockets.append(await until(again))


class Turnstile(Authorizer):
    """Let people in until told otherwise."""

    open = True

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return type(self).open


def test_access_that_is_taken_back_is_noticed_within_a_minute() -> None:
    # A tenth more by jitter, and the farewell.
    assert SessionSocket.recheck_seconds * 1.1 + FAREWELL_SECONDS <= 60


class TestPeople:
    @pytest.fixture
    def people(self) -> bool:
        return True

    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
        monkeypatch.setattr(SessionSocket, "recheck_seconds", 0.05)
        monkeypatch.setattr(Turnstile, "open", True)
        jp_server_config.ServerApp.authorizer_class = Turnstile
        return jp_server_config

    async def test_session_of_another_is_unknown(self, person: Callable[[str], Person]) -> None:
        alice, bob = person("alice"), person("bob")
        session_id = (await alice.start(researcher="slow"))["session_id"]
        socket = await bob.connect()
        await say(socket, "join_session", session_id=session_id)
        theirs = await hear(socket)
        await say(socket, "join_session", session_id=NOBODY)
        nobodys = await hear(socket)
        assert theirs is not None
        assert nobodys is not None
        assert {**theirs, "session_id": NOBODY} == nobodys
        assert (await alice.get(f"sessions/{session_id}"))["viewers"] == 0

    async def test_each_hears_their_own_sessions_alone(self, person: Callable[[str], Person]) -> None:
        names = ("alice", "bob")
        ids = {name: (await person(name).start(options={"steps": 200}))["session_id"] for name in names}
        sockets = {name: await person(name).connect() for name in names}
        heard = await asyncio.gather(*(follow(sockets[name], ids[name], after=0) for name in names))
        for name, events in zip(names, heard, strict=True):
            assert {event["session_id"] for event in events[ids[name]]} == {ids[name]}

    async def test_access_taken_back_ends_an_open_socket(self, person: Callable[[str], Person]) -> None:
        alice = person("alice")
        session_id = (await alice.start(researcher="slow"))["session_id"]
        await alice.until(session_id, "researching")
        socket = await alice.connect()
        await say(socket, "join_session", session_id=session_id)
        await messages(socket, "session_joined")
        Turnstile.open = False
        left = (await messages(socket, "session_left"))[-1]
        assert (left["session_id"], left["reason"]) == (session_id, "revoked")
        while await hear(socket) is not None:
            pass
        assert socket.close_code == 1008

    async def test_viewer_who_does_not_read_is_shown_out_all_the_same(
        self, person: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice = person("alice")
        session_id = (await alice.start(researcher="slow"))["session_id"]
        socket = await alice.connect()
        await say(socket, "join_session", session_id=session_id)
        await messages(socket, "session_joined")

        def stuck(self: Any, text: bytes) -> asyncio.Future[None]:
            return asyncio.get_running_loop().create_future()

        monkeypatch.setattr("jupyter_research.sockets.FAREWELL_SECONDS", 0.1)
        monkeypatch.setattr(SessionSocket, "write_message", stuck)
        monkeypatch.setattr("tornado.iostream.BaseIOStream.writing", lambda stream: True)
        Turnstile.open = False
        while await hear(socket) is not None:
            pass
        assert socket.close_code == 1008

    async def test_person_whom_the_provider_forgets_is_shown_out(
        self, person: Callable[[str], Person], jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        socket = await person("alice").connect()
        other = await person("bob").connect()
        provider = type(jp_serverapp.identity_provider)
        original = provider.get_user

        def forgetful(self: Any, handler: Any) -> Any:
            user = original(self, handler)
            return None if user is not None and user.username == "alice" else user

        monkeypatch.setattr(provider, "get_user", forgetful)
        assert await hear(socket) is None
        assert socket.close_code == 1008
        await say(other, "leave_session", session_id=NOBODY)
        assert await hear(other) is not None

    async def test_provider_that_cannot_answer_shows_nobody_out(
        self, person: Callable[[str], Person], jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        socket = await person("alice").connect()
        asked = asyncio.Event()

        def down(self: Any, handler: Any) -> Any:
            asked.set()
            raise ConnectionError("The Hub restarts.")

        monkeypatch.setattr(type(jp_serverapp.identity_provider), "get_user", down)
        await asyncio.wait_for(asked.wait(), DEADLINE)
        await say(socket, "leave_session", session_id=NOBODY)
        assert await hear(socket) is not None


class TestPings:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
        monkeypatch.setattr(SessionSocket, "ping_seconds", 0.05)
        return jp_server_config

    async def test_socket_is_pinged_while_a_joined_session_works_and_not_else(self, me: Person) -> None:
        session_id = (await me.start(researcher="slow"))["session_id"]
        await me.until(session_id, "researching")
        pings: asyncio.Queue[bytes] = asyncio.Queue()
        socket = await me.connect()
        socket.on_ping = pings.put_nowait
        await say(socket, "join_session", session_id=session_id)
        for _ in range(5):
            await asyncio.wait_for(pings.get(), DEADLINE)
        await me.post(f"sessions/{session_id}/pause")

        async def pinged() -> bool:
            try:
                await asyncio.wait_for(pings.get(), 0.5)
                return True
            except TimeoutError:
                return False

        # What has gathered in the meantime says nothing; a look that began before the pause may lead to more.
        while not pings.empty():
            pings.get_nowait()
        count = 0
        while await pinged():
            count += 1
            assert count < 5
        await me.post(f"sessions/{session_id}/cancel")

    async def test_viewer_that_answers_no_ping_is_shown_out(
        self, me: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SessionSocket, "on_pong", lambda self, data: None)
        session_id = (await me.start(researcher="slow"))["session_id"]
        await me.until(session_id, "researching")
        socket = await me.connect()
        await say(socket, "join_session", session_id=session_id)
        while await hear(socket) is not None:
            pass
        assert socket.close_code == 1001


async def test_slow_reader_holds_up_nobody(me: Person) -> None:
    session_id = (await me.start(options={"steps": 3000}))["session_id"]
    idle = await me.connect()
    await say(idle, "join_session", session_id=session_id, after=0)
    busy = await me.connect()
    events = (await follow(busy, session_id, after=0))[session_id]
    assert len(events) > 3000
    late = [event for frame in await messages(idle, "events") for event in frame.get("events", [])]
    while late[-1]["seq"] < events[-1]["seq"]:
        late += [event for frame in await messages(idle, "events") for event in frame.get("events", [])]
    assert late == events
