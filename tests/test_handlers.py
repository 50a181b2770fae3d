"""Every route: what it answers, to whom, and how it refuses."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import Person, messages, read, until
from jupyter_server.auth import Authorizer
from jupyter_server.utils import JupyterServerAuthWarning
from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets.config import Config

from jupyter_research import errors
from jupyter_research.bodies import MAX_BODY
from jupyter_research.export.card import MIME
from jupyter_research.handlers import ROUTES, openapi
from jupyter_research.rest import STATUS, status_of

NOBODY = "0" * 32

#: What fills the groups of the routes' patterns.
FILLERS = {"session_id": ["{session}"], "source_id": ["d1"]}


def verbs(handler: type[web.RequestHandler]) -> list[str]:
    """Give the verbs that a handler answers, the browser's own OPTIONS aside."""
    unimplemented = web.RequestHandler._unimplemented_method
    return [
        verb
        for verb in handler.SUPPORTED_METHODS
        if verb != "OPTIONS" and getattr(handler, verb.lower()) is not unimplemented
    ]


def paths(pattern: str) -> list[str]:
    """Give every path that a pattern stands for, its groups filled."""
    pattern = pattern.replace(r"\.", ".").replace("(?:/.*)?", "/nowhere/at/all")
    parts = re.split(r"(\(\?P<\w+>[^)]*\))", pattern)
    choices = []
    for part in parts:
        group = re.fullmatch(r"\(\?P<(\w+)>([^)]*)\)", part)
        if group is None:
            choices.append([part])
        else:
            choices.append(FILLERS.get(group[1]) or group[2].split("|"))
    return ["".join(chosen) for chosen in product(*choices)]


def table() -> list[tuple[str, str]]:
    """Give every verb and path of the application."""
    return [
        (verb, path)
        for pattern, handler in ROUTES
        for path in paths(pattern)
        for verb in verbs(handler)
        if path != "/ws"
    ]


TABLE = table()
OF_A_SESSION = [(verb, path) for verb, path in TABLE if "{session}" in path]


def test_table_is_the_whole_of_the_contract() -> None:
    contract = """
        GET /health, GET /researchers, GET /models, GET /libraries, GET /sources, POST /sessions,
        GET /defaults, PUT /defaults,
        GET /sessions,
        GET /sessions/{session}, POST /sessions/{session}/approve, POST /sessions/{session}/modify,
        POST /sessions/{session}/pause, POST /sessions/{session}/resume, POST /sessions/{session}/cancel,
        GET /sessions/{session}/events, GET /sessions/{session}/report, GET /sessions/{session}/sources/d1,
        GET /sessions/{session}/output,
        POST /search, POST /sessions/{session}/search, POST /sessions/{session}/ask,
        DELETE /sessions/{session}, POST /test-websocket, GET /openapi.yaml
    """
    asked = {tuple(row.split()) for row in contract.replace("\n", " ").split(",")}
    assert asked == {row for row in TABLE if row[1] != "/nowhere/at/all"}


# -- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "path"), TABLE)
async def test_nobody_unknown_gets_an_answer(me: Person, verb: str, path: str) -> None:
    headers = {"Authorization": "token wrong", "Content-Type": "application/json"}
    answer = await me.ask(verb, path.format(session=NOBODY), headers=headers)
    assert answer.code == 403
    assert "Location" not in answer.headers
    assert json.loads(answer.body)["code"] == "unauthenticated"


async def test_nobody_unknown_gets_a_socket(me: Person) -> None:
    me.headers = {"Authorization": "token wrong"}
    with pytest.raises(HTTPClientError) as refusal:
        await me.connect()
    assert refusal.value.code == 403
    assert refusal.value.response is not None
    assert json.loads(refusal.value.response.body)["code"] == "unauthenticated"


class Refuser(Authorizer):
    """Allow nothing, and note what was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012 # one list for the class is the point

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.append((action, resource))
        return False


class TestAuthorized:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        Refuser.asked.clear()
        jp_server_config.ServerApp.authorizer_class = Refuser
        return jp_server_config

    async def test_every_verb_asks_the_authorizer(self, me: Person) -> None:
        for verb, path in TABLE:
            answer = await me.ask(verb, path.format(session=NOBODY))
            assert answer.code == 403, (verb, path)
            assert json.loads(answer.body)["code"] == "forbidden"
            assert Refuser.asked.pop() == ("read" if verb == "GET" else "write", "research")

    async def test_socket_asks_the_authorizer(self, me: Person) -> None:
        with pytest.raises(HTTPClientError) as refusal:
            await me.connect()
        assert refusal.value.code == 403
        assert Refuser.asked.pop() == ("execute", "research")


def test_server_finds_nothing_undecorated(jp_web_app: Any) -> None:
    class Forgotten(web.RequestHandler):
        def get(self) -> None:
            raise NotImplementedError

    # As the server does at the start of an extension; warnings are errors here.
    jp_web_app.add_handlers(".*$", [(f"/again{path}", handler, {"access": None}) for path, handler in ROUTES])
    with pytest.warns(JupyterServerAuthWarning, match="Forgotten"):
        jp_web_app.add_handlers(".*$", [("/forgotten", Forgotten)])


class TestOwners:
    @pytest.fixture
    def people(self) -> bool:
        return True

    @pytest.mark.parametrize(("verb", "path"), [*OF_A_SESSION, ("POST", "/test-websocket")])
    async def test_session_of_another_is_unknown(
        self, person: Callable[[str], Person], verb: str, path: str
    ) -> None:
        alice, bob = person("alice"), person("bob")
        session_id = (await alice.start(researcher="asks"))["session_id"]
        before = await alice.until(session_id, "awaiting_approval")
        bodies = {
            "/approve": {"version": 1},
            "/modify": {"version": 1, "feedback": "more"},
            "/search": {"query": "why"},
            "/ask": {"question": "why?"},
            "/test-websocket": {"session_id": session_id},
        }
        body = next((body for end, body in bodies.items() if path.endswith(end)), None)
        answer = await bob.ask(verb, path.format(session=session_id), body)
        unknown = await bob.ask(
            verb, path.format(session=NOBODY), {"session_id": NOBODY} if path == "/test-websocket" else body
        )
        assert answer.code == 404
        assert (answer.code, answer.body) == (unknown.code, unknown.body)
        assert await alice.get(f"sessions/{session_id}") == before

    async def test_lists_and_counts_show_ones_own(self, person: Callable[[str], Person]) -> None:
        alice, bob = person("alice"), person("bob")
        session_id = (await alice.start())["session_id"]
        await alice.until(session_id, "completed")
        assert (await bob.get("sessions"))["sessions"] == []
        assert (await bob.get("health"))["sessions"] == {}
        assert (await alice.get("health"))["sessions"] == {"completed": 1}
        assert [item["owner"] for item in (await alice.get("sessions"))["sessions"]] == ["alice"]

    async def test_key_finds_ones_own_sessions_only(self, person: Callable[[str], Person]) -> None:
        alice, bob = person("alice"), person("bob")
        first = await alice.start(key="cell 1")
        assert (await bob.start(key="cell 1"))["session_id"] != first["session_id"]

    async def test_choices_are_those_of_the_person_who_made_them(
        self, person: Callable[[str], Person]
    ) -> None:
        ann, bob = person("ann"), person("bob")
        assert read(await ann.ask("PUT", "defaults", {"turns": 1}), 200) == {"turns": 1}
        assert await bob.get("defaults") == {}
        assert read(await bob.ask("PUT", "defaults", {}), 200) == {}
        assert await ann.get("defaults") == {"turns": 1}
        assert "JSON object" in read(await ann.ask("PUT", "defaults"), 400)["error"]
        refused = read(await ann.ask("PUT", "defaults", {"model": "no such"}), 400)
        assert refused["code"] == "unknown_name"
        assert read(await ann.ask("PUT", "defaults", {"turns": 99}), 400)["code"] == "invalid"

    async def test_person_named_like_a_service_is_another(self, person: Callable[[str], Person]) -> None:
        snapshot = await person("service:robot").start()
        assert snapshot["owner"] == "user:service:robot"


async def test_holder_of_the_token_is_one_person_whatever_name_is_made_up(me: Person) -> None:
    snapshot = await me.start()
    assert snapshot["owner"] == "local"
    for _ in range(2):
        assert (await me.get(f"sessions/{snapshot['session_id']}"))["owner"] == "local"


# -- what they answer ------------------------------------------------------------------------------


async def test_health_tells_of_a_damaged_file_that_was_set_aside(me: Person, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "research.sqlite").write_bytes(b"no database" * 1000)
    [notice] = (await me.get("health"))["notices"]
    assert "set aside as research.damaged-" in notice and str(data_dir) not in notice


async def test_health_tells_version_and_sessions(me: Person) -> None:
    from jupyter_research import __version__

    assert await me.get("health") == {
        "status": "healthy",
        "version": __version__,
        "websocket_enabled": True,
        "sessions": {},
    }


@pytest.mark.parametrize("noun", ["researchers", "models", "libraries", "sources"])
async def test_choices_have_name_and_description(me: Person, noun: str) -> None:
    choices = (await me.get(noun))[noun]
    assert choices
    assert all(set(choice) == {"name", "description"} for choice in choices)


async def test_started_session_runs_to_its_report(me: Person) -> None:
    answer = await me.ask("POST", "sessions", {"topic": "why?", "researcher": "steps"})
    assert answer.code == 202
    started = json.loads(answer.body)
    assert answer.headers["Location"].endswith(f"/research/api/sessions/{started['session_id']}")
    ended = await me.until(started["session_id"], "completed")
    assert (ended["done"], ended["total"], ended["report_available"]) == (3, 3, True)
    report = await me.get(f"sessions/{started['session_id']}/report?format=json")
    assert report["session_id"] == started["session_id"]


async def test_event_log_is_paged_without_holes(me: Person) -> None:
    session_id = (await me.start(options={"steps": 20}))["session_id"]
    last = (await me.until(session_id, "completed"))["last_seq"]
    seen: list[int] = []
    while len(seen) < last:
        page = await me.get(f"sessions/{session_id}/events?after={len(seen)}&limit=7")
        assert page["last"] == last
        assert 0 < len(page["events"]) <= 7
        seen += [event["seq"] for event in page["events"]]
    assert seen == list(range(1, last + 1))


async def test_request_for_events_waits_for_one(me: Person, tmp_path: Path) -> None:
    session_id = (await me.start(researcher="slow", options={"until": str(tmp_path / "go")}))["session_id"]
    working = await me.until(session_id, "researching")

    async def quiet() -> Any:
        page = await me.get(f"sessions/{session_id}/events?after={working['last_seq'] - 1}")
        return [event for event in page["events"] if event["step"] == "WORK"] and page["last"]

    last = await until(quiet)
    waiting = asyncio.ensure_future(me.get(f"sessions/{session_id}/events?after={last}&wait=20"))
    sent = await me.post("test-websocket", {"session_id": session_id})
    assert (await waiting)["events"][0] == sent
    (tmp_path / "go").touch()


async def test_request_for_events_comes_back_empty_after_its_time(me: Person) -> None:
    session_id = (await me.start())["session_id"]
    last = (await me.until(session_id, "completed"))["last_seq"]
    begin = time.monotonic()
    page = await me.get(f"sessions/{session_id}/events?after={last}&wait=1")
    assert page == {"events": [], "last": last}
    assert time.monotonic() - begin >= 0.9


async def test_sessions_are_paged_newest_first(me: Person) -> None:
    ids = [(await me.start(topic=f"topic {number}"))["session_id"] for number in range(5)]
    for session_id in ids:
        await me.until(session_id, "completed")
    first = await me.get("sessions?limit=3")
    second = await me.get(f"sessions?limit=3&before={first['next']}")
    found = [item["session_id"] for item in first["sessions"] + second["sessions"]]
    assert found == ids[::-1]
    assert second["next"] is None
    assert (await me.get("sessions?state=queued,failed"))["sessions"] == []
    assert len((await me.get("sessions?state=completed"))["sessions"]) == 5
    assert len((await me.get("sessions?state=,completed"))["sessions"]) == 5
    assert len((await me.get("sessions?state="))["sessions"]) == 5


async def test_proposal_is_approved_edited(me: Person) -> None:
    session_id = (await me.start(researcher="asks"))["session_id"]
    waiting = await me.until(session_id, "awaiting_approval")
    assert waiting["proposal"] == {"sections": ["What", "Why"]}
    decision = {"version": waiting["version"], "proposal": {"sections": ["How"]}}
    await me.post(f"sessions/{session_id}/approve", decision)
    await me.until(session_id, "completed")
    report = await me.get(f"sessions/{session_id}/report?format=json")
    assert [section["heading"] for section in report["sections"]] == ["How"]
    repeated = await me.post(f"sessions/{session_id}/approve", {"version": 99}, status=409)
    assert repeated["code"] in ("wrong_state", "stale_version")


async def test_session_is_paused_resumed_and_cancelled(me: Person) -> None:
    session_id = (await me.start(researcher="slow"))["session_id"]
    await me.until(session_id, "researching")
    assert (await me.post(f"sessions/{session_id}/pause"))["state"] == "paused"
    assert (await me.post(f"sessions/{session_id}/resume"))["state"] in ("queued", "researching")
    assert (await me.post(f"sessions/{session_id}/cancel"))["state"] == "cancelled"
    refused = await me.post(f"sessions/{session_id}/pause", status=409)
    assert "cancelled" in refused["error"]


async def test_deleted_session_is_gone(me: Person) -> None:
    session_id = (await me.start(researcher="slow"))["session_id"]
    answer = await me.ask("DELETE", f"sessions/{session_id}")
    assert (answer.code, answer.body) == (204, b"")
    assert (await me.get(f"sessions/{session_id}", status=404))["code"] == "not_found"


async def test_output_for_a_notebook_has_the_report_once_there_is_one(me: Person) -> None:
    session_id = (await me.start(topic="<b>what</b>", researcher="asks"))["session_id"]
    waiting = await me.until(session_id, "awaiting_approval")
    output = await me.get(f"sessions/{session_id}/output")
    assert output[MIME]["snapshot"]["last_seq"] == waiting["last_seq"]
    assert "text/markdown" not in output
    assert "<b>what" not in output["text/html"]
    await me.post(f"sessions/{session_id}/approve", {"version": 1})
    await me.until(session_id, "completed")
    output = await me.get(f"sessions/{session_id}/output")
    assert output[MIME]["snapshot"]["state"] == "completed"
    assert output["text/markdown"].encode() == (await me.ask("GET", f"sessions/{session_id}/report")).body
    assert "<h3>Why</h3>" in output["text/html"]


async def test_report_is_refused_while_there_is_none(me: Person) -> None:
    session_id = (await me.start(researcher="asks"))["session_id"]
    assert (await me.get(f"sessions/{session_id}/report", status=409))["code"] == "not_ready"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("markdown", "text/markdown"),
        ("json", "application/json"),
        ("html", "text/html"),
        ("ipynb", "application/x-ipynb+json"),
        ("pdf", "application/pdf"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("bibtex", "application/x-bibtex"),
        ("csl-json", "application/vnd.citationstyles.csl+json"),
    ],
)
async def test_report_has_the_media_type_of_its_format(me: Person, name: str, media_type: str) -> None:
    session_id = (await me.start())["session_id"]
    await me.until(session_id, "completed")
    answer = await me.ask("GET", f"sessions/{session_id}/report?format={name}")
    assert answer.code == 200
    assert answer.headers["Content-Type"].split(";")[0] == media_type
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in answer.headers


async def test_report_page_runs_nothing_in_the_servers_name(me: Person) -> None:
    session_id = (await me.start(topic="<script>alert(1)</script>"))["session_id"]
    await me.until(session_id, "completed")
    answer = await me.ask("GET", f"sessions/{session_id}/report?format=html")
    rules = [rule.strip() for rule in answer.headers["Content-Security-Policy"].split(";")]
    assert "sandbox" in rules
    assert "default-src 'none'" in rules
    assert not [rule for rule in rules if "allow-" in rule or rule.startswith("script-src")]


async def test_report_is_saved_under_a_name_that_splits_no_header(me: Person) -> None:
    session_id = (await me.start(topic='a"b\r\nSet-Cookie: x=1; é'))["session_id"]
    await me.until(session_id, "completed")
    answer = await me.ask("GET", f"sessions/{session_id}/report?format=markdown&download=1")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert answer.headers["Content-Disposition"].isascii()
    assert "x=1" not in answer.headers.get("Set-Cookie", "")


async def test_test_update_reaches_the_sessions_viewers_alone(me: Person) -> None:
    ids = [(await me.start(researcher="slow", topic=topic))["session_id"] for topic in ("one", "two")]
    for session_id in ids:
        await me.until(session_id, "researching")
    socket = await me.connect()
    for session_id in ids:
        await socket.write_message(json.dumps({"type": "join_session", "session_id": session_id}))
    await messages(socket, "session_joined", 2)
    sent = await me.post("test-websocket", {"session_id": ids[0]})
    assert (sent["kind"], sent["step"]) == ("status_update", "TEST_WEBSOCKET")

    seen: list[dict[str, Any]] = []
    while sent not in seen:
        frame = json.loads(await socket.read_message())
        seen += frame.get("events", [])
    assert all(event["session_id"] == ids[0] for event in seen if event["step"] == "TEST_WEBSOCKET")
    socket.close()
    for session_id in ids:
        await me.post(f"sessions/{session_id}/cancel")
    assert (await me.post("test-websocket", {"session_id": ids[0]}, status=409))["code"] == "wrong_state"


async def test_server_answers_while_two_sessions_work(me: Person, jp_fetch: Any, tmp_path: Path) -> None:
    options = {"until": str(tmp_path / "go")}
    ids = [(await me.start(researcher="slow", topic=topic, options=options))["session_id"] for topic in "ab"]
    for session_id in ids:
        await me.until(session_id, "researching")
    assert (await jp_fetch("api", "status")).code == 200
    assert (await me.get("health"))["sessions"] == {"researching": 2}
    (tmp_path / "go").touch()
    for topic, session_id in zip("ab", ids, strict=True):
        ended = await me.until(session_id, "completed")
        assert ended["topic"] == topic
        events = (await me.get(f"sessions/{session_id}/events"))["events"]
        assert {event["session_id"] for event in events} == {session_id}


async def test_reading_is_no_activity_and_commanding_is(me: Person, jp_web_app: Any) -> None:
    session_id = (await me.start())["session_id"]
    started = jp_web_app.settings["api_last_activity"]
    await me.until(session_id, "completed")
    for path in ("health", "sessions", f"sessions/{session_id}/events", f"sessions/{session_id}/report"):
        await me.ask("GET", path)
    assert jp_web_app.settings["api_last_activity"] == started


# -- how they refuse -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"topic": ""},
        {"topic": "   "},
        {"topic": "x" * 4001},
        {"topic": 7},
        {"topic": None},
        {"topic": "x", "more": 1},
        {"topic": "x", "options": {"analysts": 0}},
        {"topic": "x", "options": {"analysts": 11}},
        {"topic": "x", "options": {"analysts": "3"}},
        {"topic": "x", "options": {"turns": 6}},
        {"topic": "x", "options": {"nonsense": 1}},
        {"topic": "x", "options": []},
        {"topic": "x", "options": {"model": "none:such"}},
        {"topic": "x", "options": {"sources": ["no-such-library"]}},
        {"topic": "x", "options": {"sources": ["no/such/file.md"]}},
        {"topic": "x", "options": {"sources": ["/etc/hostname"]}},
        {"topic": "x", "options": {"sources": ["../../../../../../etc/hostname"]}},
        {"topic": "x", "options": {"sources": "README.md"}},
        {"topic": "x", "researcher": "nobody"},
        {"topic": "x", "researcher": "steps", "options": {"unknown": 1}},
        {"topic": "x", "approve": "maybe"},
        {"topic": "x", "approve": True},
        {"topic": "x", "notebook": 3},
        {"topic": "x", "key": 3},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
async def test_wrong_start_is_refused_with_a_sentence(me: Person, body: dict[str, Any]) -> None:
    refused = await me.post("sessions", body, status=400)
    assert refused["code"] in ("invalid", "unknown_name", "path")
    assert len(refused["error"].split()) > 3
    assert (await me.get("sessions"))["sessions"] == []


async def test_absent_path_and_forbidden_path_are_refused_alike(me: Person) -> None:
    absent, forbidden = [
        await me.post("sessions", {"topic": "x", "options": {"sources": [name]}}, status=400)
        for name in ("/no/such/file.md", "/etc/hostname")
    ]
    assert absent["error"].replace("/no/such/file.md", "") == forbidden["error"].replace("/etc/hostname", "")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        "null",
        "3",
        '"text"',
        '{"topic": NaN}',
        '{"topic": "x", "options": {"n": 1e999}}',
        '{"topic": "\\ud800"}',
        b"\xff\xfe",
        "[" * 100_000,
    ],
    ids=lambda text: repr(text)[:20],
)
async def test_body_that_is_no_json_object_is_refused(me: Person, text: Any) -> None:
    answer = await me.ask("POST", "sessions", text, headers={"Content-Type": "application/json"})
    assert answer.code == 400
    assert json.loads(answer.body)["code"] == "invalid"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "application/xml"]
)
async def test_body_of_another_type_is_refused(me: Person, kind: str) -> None:
    answer = await me.ask("POST", "sessions", '{"topic": "x"}', headers={"Content-Type": kind})
    assert answer.code == 415
    assert json.loads(answer.body)["code"] == "unsupported_media_type"


async def test_type_may_name_its_charset(me: Person) -> None:
    kind = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await me.ask("POST", "sessions", '{"topic": "x", "researcher": "steps"}', headers=kind)
    assert answer.code == 202


async def test_command_without_a_body_needs_no_type(me: Person) -> None:
    session_id = (await me.start(researcher="slow"))["session_id"]
    answer = await me.ask("POST", f"sessions/{session_id}/cancel", headers={"Content-Type": "text/plain"})
    assert answer.code == 202


async def test_large_body_is_refused(me: Person) -> None:
    body = {"topic": "x", "options": {"sources": ["y" * MAX_BODY]}}
    assert (await me.post("sessions", body, status=413))["code"] == "too_large"


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
async def test_command_takes_no_content(me: Person, action: str) -> None:
    session_id = (await me.start())["session_id"]
    assert (await me.post(f"sessions/{session_id}/{action}", {"why": 1}, status=400))["code"] == "invalid"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("approve", None),
        ("approve", {"version": "1"}),
        ("approve", {"version": True}),
        ("approve", {"version": 1, "more": 1}),
        ("modify", {"version": 1}),
        ("modify", {"version": 1, "feedback": " "}),
        ("modify", {"feedback": "more"}),
        ("modify", {"version": 1, "feedback": ["more"]}),
    ],
)
async def test_wrong_decision_is_refused(me: Person, action: str, body: Any) -> None:
    session_id = (await me.start(researcher="asks"))["session_id"]
    before = await me.until(session_id, "awaiting_approval")
    assert (await me.post(f"sessions/{session_id}/{action}", body, status=400))["code"] == "invalid"
    assert await me.get(f"sessions/{session_id}") == before


async def test_decision_on_another_version_is_stale(me: Person) -> None:
    session_id = (await me.start(researcher="asks"))["session_id"]
    await me.until(session_id, "awaiting_approval")
    refused = await me.post(f"sessions/{session_id}/approve", {"version": 7}, status=409)
    assert refused["code"] == "stale_version"


async def test_decision_on_a_session_that_does_not_wait_is_refused(me: Person) -> None:
    session_id = (await me.start())["session_id"]
    await me.until(session_id, "completed")
    refused = await me.post(f"sessions/{session_id}/approve", {"version": 1}, status=409)
    assert refused["code"] == "wrong_state"
    assert "completed" in refused["error"]


@pytest.mark.parametrize(
    "query",
    [
        "sessions?limit=0",
        "sessions?limit=201",
        "sessions?limit=x",
        "sessions?limit=-1",
        "sessions?limit=1.5",
        "sessions?limit=",
        "sessions?state=sleeping",
        "sessions?state=queued,sleeping",
        "sessions?state=%20",
        "sessions?before=x",
        "sessions?before=-1",
        "sessions/{session}/events?after=-1",
        "sessions/{session}/events?after=x",
        "sessions/{session}/events?after=99999999999999999999999",
        "sessions/{session}/events?limit=0",
        "sessions/{session}/events?limit=1001",
        "sessions/{session}/events?wait=31",
        "sessions/{session}/events?wait=-1",
        "sessions/{session}/report?format=exe",
        "sessions/{session}/report?format=../json",
    ],
)
async def test_query_out_of_range_is_refused(me: Person, query: str) -> None:
    session_id = (await me.start())["session_id"]
    await me.until(session_id, "completed")
    refused = await me.get(query.format(session=session_id), status=400)
    assert refused["code"] in ("invalid", "unknown_name")


async def test_unknown_query_is_ignored_because_browsers_add_their_own(me: Person) -> None:
    assert (await me.get("sessions?1763827200000=&limit=5"))["sessions"] == []


@pytest.mark.parametrize("session_id", [NOBODY, "x", "..%2F..", "%27%20OR%201=1--", "A" * 32, "0" * 5000])
async def test_unknown_session_is_not_found(me: Person, session_id: str) -> None:
    answer = await me.ask("GET", f"sessions/{session_id}")
    assert answer.code == 404
    assert json.loads(answer.body)["code"] == "not_found"


@pytest.mark.parametrize("source_id", ["nothing", "..%2Fsession.json", "a.b", "%00"])
async def test_unknown_source_is_not_found(me: Person, source_id: str) -> None:
    session_id = (await me.start())["session_id"]
    await me.until(session_id, "completed")
    refused = await me.get(f"sessions/{session_id}/sources/{source_id}", status=404)
    assert refused["code"] == "not_found"


async def test_path_that_leads_nowhere_is_answered_in_json(me: Person) -> None:
    for path in ("nowhere", f"sessions/{NOBODY}/nothing", ""):
        assert (await me.get(path, status=404))["code"] == "not_found"


@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [
        ("PUT", "sessions", "GET, POST, OPTIONS"),
        ("DELETE", "sessions", "GET, POST, OPTIONS"),
        ("POST", f"sessions/{NOBODY}", "GET, DELETE, OPTIONS"),
        ("GET", f"sessions/{NOBODY}/cancel", "POST, OPTIONS"),
        ("POST", "health", "GET, OPTIONS"),
        ("HEAD", "health", "GET, OPTIONS"),
    ],
)
async def test_wrong_verb_names_the_right_ones(me: Person, verb: str, path: str, allowed: str) -> None:
    answer = await me.ask(verb, path)
    assert answer.code == 405
    assert set(answer.headers["Allow"].split(", ")) == set(allowed.split(", "))
    if verb != "HEAD":
        assert json.loads(answer.body)["code"] == "method_not_allowed"


async def test_socket_path_without_an_upgrade_says_so(me: Person) -> None:
    answer = await me.ask("GET", "ws")
    assert answer.code == 426
    assert json.loads(answer.body)["code"] == "upgrade_required"


class TestFull:
    @pytest.fixture
    def research_config(self) -> dict[str, Any]:
        return {"max_working_sessions": 1, "max_queued_sessions": 1}

    async def test_start_beyond_the_queue_is_told_when_to_come_back(self, me: Person) -> None:
        for _ in range(2):
            await me.start(researcher="slow")
        answer = await me.ask("POST", "sessions", {"topic": "x", "researcher": "slow"})
        assert answer.code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert json.loads(answer.body)["code"] == "limit"


class TestCookies:
    async def test_command_by_cookie_needs_the_xsrf_header(self, me: Person) -> None:
        seen = await me.ask("GET", "health")
        cookies = [text.split(";")[0] for text in seen.headers.get_list("Set-Cookie")]
        me.headers = {"Authorization": "", "Cookie": "; ".join(cookies)}
        assert (await me.get("health"))["status"] == "healthy"
        refused = await me.post("sessions", {"topic": "x", "researcher": "steps"}, status=403)
        assert "X-XSRFToken" in refused["error"]


# -- the tables ------------------------------------------------------------------------------------


def test_every_error_has_a_status() -> None:
    def below(cls: type[errors.ResearchError]) -> list[type[errors.ResearchError]]:
        return [cls, *(found for child in cls.__subclasses__() for found in below(child))]

    for cls in below(errors.ResearchError):
        assert status_of(cls()) in set(STATUS.values())
    assert status_of(errors.PathRefused()) == 400
    assert status_of(errors.ReadOnlySession()) == 409


def test_openapi_lists_every_route() -> None:
    document = yaml.safe_load(openapi())
    listed = {
        (verb.upper(), path.replace("{session_id}", "{session}").replace("{source_id}", "d1"))
        for path, item in document["paths"].items()
        for verb in item
        if verb in ("get", "post", "delete", "put", "patch")
    }
    assert listed == {row for row in TABLE if row[1] != "/nowhere/at/all"} | {("GET", "/ws")}


async def test_openapi_is_served_without_opening_anything(me: Person, data_dir: Path) -> None:
    answer = await me.ask("GET", "openapi.yaml")
    assert answer.headers["Content-Type"] == "application/yaml"
    assert answer.body == openapi()
    assert not data_dir.exists()


def schema_of(name: str) -> dict[str, Any]:
    document = yaml.safe_load(openapi())
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


async def test_answers_are_as_openapi_says(me: Person) -> None:
    session_id = (await me.start(researcher="asks"))["session_id"]
    waiting = await me.until(session_id, "awaiting_approval")
    jsonschema.validate(waiting, schema_of("Snapshot"))
    await me.post(f"sessions/{session_id}/approve", {"version": 1})
    jsonschema.validate(await me.until(session_id, "completed"), schema_of("Snapshot"))
    for event in (await me.get(f"sessions/{session_id}/events"))["events"]:
        jsonschema.validate(event, schema_of("Event"))
    jsonschema.validate(await me.get(f"sessions/{session_id}/report?format=json"), schema_of("Report"))
    jsonschema.validate(await me.get(f"sessions/{session_id}/output"), schema_of("Output"))
    jsonschema.validate(await me.get("nowhere", status=404), schema_of("Error"))
