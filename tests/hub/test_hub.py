"""A real JupyterHub with its proxy: three people, and two servers that they share."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
import websocket
from browser.lab import Notebook
from live import until
from playwright.sync_api import Browser, Locator, Page, expect

from jupyter_research.export import FORMATS

from .running import PATIENCE, SERVICES, Hub, Visitor, clean_environment

#: Each with the server that they come to: the two who share with each other, and the guest by a role.
GUESTS = [("alice", "bob", "alice"), ("bob", "alice", "bob"), ("alice", "carol", "alice")]

#: Every way to a session that somebody else might try.
ROUTES = [
    ("GET", ""), ("GET", "/events"), ("GET", "/output"), ("GET", "/sources/d1"),
    *(("GET", f"/report?format={format}") for format in FORMATS),
    *(("POST", f"/{what}") for what in ("approve", "modify", "pause", "resume", "cancel", "search", "ask")),
    ("DELETE", ""),
]  # fmt: skip
BODIES = {
    "/approve": {"version": 1}, "/modify": {"version": 1, "feedback": "more"},
    "/search": {"query": "sun"}, "/ask": {"question": "what turns to the sun?"},
}  # fmt: skip


@pytest.fixture
def shared(hub: Hub) -> Iterator[Hub]:
    """Let bob and alice in at each other's."""
    hub.invite("bob", "alice")
    hub.invite("alice", "bob")
    yield hub
    # While the guests still may.
    hub.clear()
    hub.revoke("bob", "alice")
    hub.revoke("alice", "bob")


def join(socket: websocket.WebSocket, session_id: str) -> dict[str, Any]:
    socket.send(json.dumps({"type": "join_session", "session_id": session_id}))
    return dict(json.loads(socket.recv()))


def join_past(socket: websocket.WebSocket, session_id: str) -> dict[str, Any]:
    """Join a session on a socket that has news of another one."""
    said = join(socket, session_id)
    while said["session_id"] != session_id:
        said = json.loads(socket.recv())
    return said


def events(socket: websocket.WebSocket, kind: str) -> list[dict[str, Any]]:
    """Read a socket up to an event of a kind."""
    heard: list[dict[str, Any]] = []
    while not any(event["kind"] == kind for event in heard):
        heard += json.loads(socket.recv()).get("events", [])
    return heard


@pytest.mark.parametrize("host", ["alice", "bob"])
def test_person_without_a_share_is_refused(hub: Hub, host: str) -> None:
    stranger = {"alice": "bob", "bob": "carol"}[host]
    status, answer = hub.research(stranger, "GET", "health", host=host)
    assert (status, answer["code"]) == (403, "unauthenticated")
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        hub.socket(stranger, host=host)
    assert refusal.value.status_code == 403


@pytest.mark.parametrize(("host", "guest", "server"), GUESTS)
def test_host_and_guest_see_and_command_their_own_sessions_alone(
    shared: Hub, host: str, guest: str, server: str
) -> None:
    sessions = {who: shared.start(who, host=server)["session_id"] for who in (host, guest)}
    for who, other in ((host, guest), (guest, host)):
        status, own = shared.research(who, "GET", f"sessions/{sessions[who]}", host=server)
        assert (status, own["owner"]) == (200, who)
        listed = shared.research(who, "GET", "sessions", host=server)[1]["sessions"]
        assert [session["session_id"] for session in listed] == [sessions[who]]
        socket = shared.socket(who, host=server)
        assert join(socket, sessions[who])["type"] == "session_joined"
        assert join_past(socket, sessions[other])["code"] == "not_found"
        socket.close()
        for verb, path in ROUTES:
            asked = shared.research(
                who, verb, f"sessions/{sessions[other]}{path}", BODIES.get(path), host=server
            )
            assert (asked[0], asked[1]["code"]) == (404, "not_found"), (verb, path)
    for who, session_id in sessions.items():
        status, after = shared.research(who, "POST", f"sessions/{session_id}/cancel", host=server)
        assert (status, after["state"]) == (202, "cancelled")
        assert shared.research(who, "DELETE", f"sessions/{session_id}", host=server)[0] == 204


def test_people_who_come_by_cookie_are_the_people_who_come_by_token(shared: Hub) -> None:
    visitors = {who: Visitor(shared, who) for who in ("alice", "bob")}
    sessions: dict[str, str] = {}
    for who, visitor in visitors.items():
        status, started = visitor.ask("POST", "sessions", {"topic": "by cookie", "researcher": "asks"})
        assert (status, started["owner"]) == (202, who)
        sessions[who] = started["session_id"]
    for who, other in (("alice", "bob"), ("bob", "alice")):
        visitor, own = visitors[who], sessions[who]
        socket = visitor.socket()
        assert join(socket, own)["type"] == "session_joined"
        assert shared.research(who, "GET", f"sessions/{own}")[0] == 200
        asked = f"sessions/{own}/approve", {"version": 1}
        until(lambda visitor=visitor, asked=asked: visitor.ask("POST", *asked)[0] == 202, "the approval")
        assert {event["session_id"] for event in events(socket, "research_completed")} == {own}
        for verb, path in ROUTES:
            status, answer = visitor.ask(verb, f"sessions/{sessions[other]}{path}", BODIES.get(path))
            assert (status, answer["code"]) == (404, "not_found"), (verb, path)
        assert join_past(socket, sessions[other])["code"] == "not_found"
        socket.close()


def test_cookie_alone_and_foreign_pages_are_refused(hub: Hub) -> None:
    alice = Visitor(hub, "alice")
    body = {"topic": "x", "researcher": "steps"}
    assert alice.ask("POST", "sessions", body)[0] == 202
    assert alice.ask("POST", "sessions", body, proof=False)[0] == 403
    assert alice.ask("GET", "sessions", proof=False)[0] == 403
    foreign = {"Origin": "https://elsewhere.example", "Referer": "https://elsewhere.example/"}
    assert alice.ask("POST", "sessions", body, proof=False, **foreign)[0] == 403
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        alice.socket(origin="https://elsewhere.example")
    assert refusal.value.status_code == 403
    assert len(alice.ask("GET", "sessions")[1]["sessions"]) == 1


def test_token_in_an_address_opens_no_route(hub: Hub) -> None:
    token, hub.tokens["nobody"] = hub.tokens["alice"], "none"
    try:
        assert hub.research("nobody", "GET", f"health?token={token}")[0] == 403
        assert hub.research("nobody", "GET", "health")[0] == 403
    finally:
        del hub.tokens["nobody"]


def test_service_of_a_users_name_is_not_that_user(hub: Hub) -> None:
    session = hub.start("namesake", "steps")
    assert session["owner"] == "service:alice"
    assert hub.research("alice", "GET", f"sessions/{session['session_id']}")[0] == 404


def test_guest_reads_configured_libraries_and_not_the_hosts_files(shared: Hub) -> None:
    body = {"topic": "x", "approve": "ask", "options": {"sources": ["."]}}
    status, answer = shared.research("bob", "POST", "sessions", body)
    assert (status, answer["code"]) == (400, "path")
    assert shared.research("alice", "POST", "sessions", body)[0] == 202
    body["options"] = {"sources": ["example"]}
    assert shared.research("bob", "POST", "sessions", body)[0] == 202


# -- in the browser --------------------------------------------------------------------------------


class Desk:
    """Sit in front of JupyterLab on the server of alice, as one of the people."""

    def __init__(self, hub: Hub, page: Page, who: str) -> None:
        self.hub, self.page = hub, page
        self.root = hub.folder / "homes" / "alice"
        page.goto(f"{hub.url}/hub/login?next=/hub/home")
        page.get_by_label("Username").fill(who)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/hub/home")
        page.goto(f"{hub.url}/user/alice/lab?reset")
        if "authorize" in page.url:
            page.get_by_role("button", name="Authorize").click()
        page.wait_for_function("window.jupyterapp?.restored")

    def address(self, notebook: str, token: str = "") -> str:
        """Give the page of a notebook; who looks is told by the cookie."""
        return f"{self.hub.url}/user/alice/lab/tree/{notebook}?reset"

    def run(self, name: str, *cells: str) -> Locator:
        """Write a notebook, run it, and give the card in it."""
        document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        document.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(document, self.root / name)
        notebook = Notebook(self.page, self, name)  # type: ignore[arg-type]  # it asks for an address only
        notebook.open()
        notebook.run_all()
        return self.page.locator(".jp-OutputArea .jr-session")

    def open(self, name: str) -> Locator:
        """Open a notebook that is there, and give the card in it."""
        notebook = Notebook(self.page, self, name)  # type: ignore[arg-type]  # it asks for an address only
        notebook.reload()
        return self.page.locator(".jp-OutputArea .jr-session")

    def panel(self) -> Locator:
        """Bring the panel to the front."""
        self.page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
        panel = self.page.locator(".jr-panel")
        expect(panel).to_be_visible()
        return panel


@pytest.fixture
def desk(shared: Hub, browser: Browser) -> Iterator[Callable[[str], Desk]]:
    """Give each person a browser that nobody has used."""
    contexts = []

    def sit(who: str) -> Desk:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(60_000)
        contexts.append(context)
        return Desk(shared, context.new_page(), who)

    yield sit
    for context in contexts:
        context.close()


def test_owner_and_guest_in_front_of_one_server_each_see_their_own(
    shared: Hub,
    desk: Callable[[str], Desk],
    tmp_path: Path,
    picture: Callable[[Page | Locator, str], None],
) -> None:
    gate = tmp_path / "gate"
    line = f"%research --researcher slow --set until={json.dumps(str(gate))} whose is this?"
    alice, bob = desk("alice"), desk("bob")
    frames: list[Any] = []
    alice.page.on("websocket", lambda socket: socket.on("framereceived", lambda text: frames.append(text)))

    card = alice.run("hers.ipynb", "%load_ext jupyter_research", line)
    expect(card).to_have_attribute("data-state", "researching")
    expect(card).to_have_attribute("data-link", "live")
    expect(card).to_contain_text("belongs to alice")
    expect(alice.panel().get_by_role("listitem")).to_have_count(1)

    # A guest who runs a cell starts a session of the host's: the kernel calls with the server's own token.
    his = bob.run("his.ipynb", "%load_ext jupyter_research", line.replace("whose", "and whose"))
    expect(his).to_contain_text("belongs to alice")
    expect(his).to_have_attribute("data-link", "gone")
    expect(his).to_contain_text("belongs to somebody else")
    expect(his.get_by_role("button", name="Cancel")).to_be_hidden()
    picture(his, "guest")

    # What a guest starts by a button of the page is the guest's own.
    panel = bob.panel()
    expect(panel.get_by_role("listitem")).to_have_count(0)
    panel.get_by_role("button", name="New session").click()
    panel.get_by_label("Topic", exact=True).fill("how are the users kept apart?")
    panel.get_by_label("Sources: files, folders or libraries").fill("example")
    panel.get_by_role("button", name="Start").click()
    own = bob.page.locator(".jr-tab .jr-session")
    expect(own).to_contain_text("belongs to bob")
    expect(own).to_have_attribute("data-state", "completed")
    expect(panel.get_by_role("listitem")).to_have_count(1)
    assert {who: owners(shared, who) for who in ("alice", "bob")} == {
        "alice": ["alice", "alice"], "bob": ["bob"],
    }  # fmt: skip

    expect(alice.panel().get_by_role("listitem")).to_have_count(2)
    gate.touch()
    expect(card).to_have_attribute("data-state", "completed")
    assert any('"type":"events"' in str(frame) for frame in frames)
    assert "kept apart" not in str(frames)


def test_session_that_a_guest_starts_by_the_button_of_a_card_is_the_guests_own(
    shared: Hub, desk: Callable[[str], Desk], tmp_path: Path
) -> None:
    # A kernel that knows its server and has no credential for it can only put the button there.
    address = f"import os; os.environ['JUPYTER_RESEARCH_URL'] = {shared.direct('alice')!r}"
    until_ = json.dumps(str(tmp_path / "gate"))
    line = f"%research --researcher slow --set until={until_} started by hand"
    bob = desk("bob")
    card = bob.run("by-hand.ipynb", address, "%load_ext jupyter_research", line)
    expect(card).to_have_attribute("data-state", "new")
    assert owners(shared, "alice") == owners(shared, "bob") == []

    card.get_by_role("button", name="Start").click()
    expect(card).to_have_attribute("data-state", "researching")
    expect(card).to_have_attribute("data-link", "live")
    expect(card).to_contain_text("belongs to bob")
    assert owners(shared, "bob") == ["bob"]
    assert owners(shared, "alice") == []
    session_id = card.get_attribute("data-session-id")
    assert shared.research("alice", "GET", f"sessions/{session_id}")[0] == 404

    bob.page.evaluate("window.jupyterapp.shell.currentWidget.context.save()")
    alice = desk("alice")
    hers = alice.open("by-hand.ipynb")
    expect(hers).to_have_attribute("data-session-id", str(session_id))
    expect(hers).to_have_attribute("data-link", "gone")
    expect(hers).to_contain_text("belongs to somebody else")
    expect(hers.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(alice.panel().get_by_role("listitem")).to_have_count(0)

    card.get_by_role("button", name="Pause").click()
    expect(card).to_have_attribute("data-state", "paused")


def owners(hub: Hub, who: str) -> list[str]:
    """Give the owners of all sessions that a person can list."""
    return [session["owner"] for session in hub.research(who, "GET", "sessions")[1]["sessions"]]


# -- access that is taken back ------------------------------------------------------------------------


def test_guest_whose_share_is_taken_back_is_refused_at_once_on_every_route(hub: Hub) -> None:
    hub.invite("bob")
    session_id = hub.start("bob")["session_id"]
    by_cookie = Visitor(hub, "bob")
    routes = ("health", "sessions", f"sessions/{session_id}", f"sessions/{session_id}/events")
    for path in routes:
        # Seen just now, so that the server has the Hub's answer in its cache.
        assert hub.research("bob", "GET", path)[0] == by_cookie.ask("GET", path)[0] == 200
    hub.revoke("bob")
    for path in routes:
        status, answer = hub.research("bob", "GET", path)
        assert (status, answer["code"]) == (403, "unauthenticated")
        assert by_cookie.ask("GET", path)[0] == 403
    assert hub.research("bob", "POST", f"sessions/{session_id}/cancel")[0] == 403
    assert hub.research("alice", "GET", "health")[0] == 200
    hub.invite("bob")
    # Access was taken, and nothing else: the session went on.
    assert hub.research("bob", "GET", f"sessions/{session_id}")[1]["state"] == "researching"
    hub.research("bob", "DELETE", f"sessions/{session_id}")
    hub.revoke("bob")


def test_guest_whose_share_is_taken_back_loses_the_open_socket(hub: Hub) -> None:
    hub.invite("bob")
    session_id = hub.start("bob")["session_id"]
    sockets = {who: hub.socket(who) for who in ("alice", "bob")}
    sockets["bob"].send(json.dumps({"type": "join_session", "session_id": session_id}))
    assert json.loads(sockets["bob"].recv())["type"] == "session_joined"
    hub.revoke("bob")
    heard = []
    while message := sockets["bob"].recv():
        heard.append(json.loads(message))
    assert (heard[-1]["type"], heard[-1]["reason"]) == ("session_left", "revoked")
    # Another's socket is as it was, and hears of the session what strangers hear.
    sockets["alice"].send(json.dumps({"type": "leave_session", "session_id": session_id}))
    assert json.loads(sockets["alice"].recv())["code"] == "not_found"
    for each in sockets.values():
        each.shutdown()
    hub.invite("bob")
    assert hub.research("bob", "DELETE", f"sessions/{session_id}")[0] == 204
    hub.revoke("bob")


# -- settings -----------------------------------------------------------------------------------------


def libraries(hub: Hub, who: str) -> set[str]:
    status, answer = hub.research(who, "GET", "libraries", host=who)
    assert status == 200
    return {library["name"] for library in answer["libraries"]}


def sockets_of_one_person(hub: Hub, who: str) -> int:
    """Count how many sockets a server gives to one person, as far as ten."""
    opened = []
    for _ in range(10):
        try:
            opened.append(hub.socket(who, host=who))
        except websocket.WebSocketBadStatusException as refusal:
            assert refusal.status_code == 429
    for each in opened:
        each.close()
    return len(opened)


def test_settings_in_a_home_do_not_count_where_user_configuration_is_off(hub: Hub) -> None:
    # Both homes hold settings, which come before the administrator's; the Hub starts bob's server with
    # `disable_user_config`.
    # The server may still have to notice that earlier tests' sockets have gone.
    for who, count in (("bob", 10), ("alice", 3)):
        until(lambda who=who, count=count: sockets_of_one_person(hub, who) == count, f"{count} sockets")
    assert libraries(hub, "alice") == libraries(hub, "bob") == {"example", "course"}
    assert (
        hub.research("bob", "POST", "sessions", {"topic": "x", "researcher": "steps"}, host="bob")[0] == 202
    )


def test_index_that_was_built_once_serves_hosts_and_guests_of_every_server(shared: Hub) -> None:
    [index] = (shared.folder / "course").rglob("*.sqlite")

    def own_indexes() -> set[Path]:
        return set(shared.folder.glob("homes/*/.local/share/jupyter/research/*/indexes/*"))

    before, of_others = index.read_bytes(), own_indexes()
    options = {"sources": ["course"], "analysts": 1, "turns": 1}
    for who, host in (("alice", "alice"), ("bob", "bob"), ("bob", "alice")):
        started = shared.start(who, "analysts", host=host, topic="what causes the tides?", options=options)
        path = f"sessions/{started['session_id']}"

        def ended(who: str = who, host: str = host, path: str = path) -> Any:
            snapshot = shared.research(who, "GET", path, host=host)[1]
            return snapshot if snapshot["state"] in ("completed", "failed") else None

        assert until(ended, "the end of the session")["error"] is None
        report = shared.research(who, "GET", f"{path}/report?format=json", host=host)[1]
        assert [source["title"] for source in report["sources"]] == ["Tides"]
    assert index.read_bytes() == before
    assert own_indexes() == of_others


# -- the end ------------------------------------------------------------------------------------------

#: Seconds without activity after which the culler takes a server, on a machine that is quick enough.
IDLE = 10


def test_server_stopped_by_the_hub_leaves_its_sessions_to_be_resumed(hub: Hub) -> None:
    session_id = hub.start("bob", host="bob")["session_id"]
    hub.command("DELETE", "/users/bob/server")
    until(lambda: not hub.command("GET", "/users/bob")["servers"], "the stop of the server", PATIENCE)
    hub.serve("bob")
    events = hub.research("bob", "GET", f"sessions/{session_id}/events", host="bob")[1]["events"]
    assert events[-1]["kind"] == "research_interrupted"
    assert events[-1]["detail"]["reason"] == "the server stopped"
    assert hub.research("bob", "POST", f"sessions/{session_id}/resume", host="bob")[0] == 202


def slowest_news(hub: Hub) -> float:
    """Measure how long news of a server at work takes to come to the Hub, at most of five times.

    It is sent every second; a machine that hands it on late must not have its server called idle.
    """

    def news() -> Any:
        server = hub.server("alice")
        return server and server["last_activity"]

    slowest, known = 0.0, news()
    for _ in range(5):
        begin = time.monotonic()
        until(lambda known=known: news() != known, "news of a server at work")
        slowest, known = max(slowest, time.monotonic() - begin), news()
    return slowest


@contextmanager
def culler(hub: Hub, idle: int) -> Iterator[None]:
    """Run JupyterHub's own culler, which looks every second."""
    command = [
        *(sys.executable, "-m", "jupyterhub_idle_culler", f"--url={hub.url}/hub/api"),
        *(f"--timeout={idle}", "--cull-every=1"),
    ]
    with (hub.folder / "culler.log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**clean_environment(), "JUPYTERHUB_API_TOKEN": SERVICES["driver"]},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def poll(hub: Hub, host: str, path: str) -> None:
    """Read a route past the proxy, as a kernel's thread does while its cell follows a session."""
    request = urllib.request.Request(f"{hub.direct(host)}research/api/{path}")
    request.add_header("Authorization", f"token {hub.tokens[host]}")
    with urllib.request.urlopen(request) as answer:
        answer.read()


def test_culler_leaves_a_server_at_work_and_takes_one_that_only_waits_is_polled_and_has_a_tab(
    hub: Hub, request: pytest.FixtureRequest
) -> None:
    working = hub.start("alice")["session_id"]
    paused, waits = (
        hub.start("bob", host="bob")["session_id"],
        hub.start("bob", "asks", host="bob")["session_id"],
    )
    hub.research("bob", "POST", f"sessions/{paused}/pause", host="bob")
    tab = hub.socket("bob", host="bob")
    request.addfinalizer(tab.shutdown)  # Also where something below fails: else a later test meets it open.
    for session_id in (paused, waits):
        tab.send(json.dumps({"type": "join_session", "session_id": session_id}))
    until(lambda: json.loads(tab.recv()).get("session_id") == waits, "the second join")

    def gone() -> bool:
        try:
            poll(hub, "bob", f"sessions/{waits}/events")
        except (OSError, ValueError):
            pass  # It is stopping.
        return hub.server("bob") is None

    idle = max(IDLE, round(5 * slowest_news(hub)))
    begin = time.monotonic()
    with culler(hub, idle):
        until(gone, "the end of the server that waits", PATIENCE)
        # As long again: a server at work is not culled late either.
        while time.monotonic() < begin + 2 * idle + 4:
            assert hub.server("alice") is not None
            time.sleep(0.5)
        status, session = hub.research("alice", "GET", f"sessions/{working}")
        assert (status, session["state"]) == (200, "researching")
        hub.research("alice", "POST", f"sessions/{working}/cancel")
        until(lambda: hub.server("alice") is None, "the end of the server whose session has ended", PATIENCE)
    tab.shutdown()
    hub.serve("bob")
    for session_id, state in ((paused, "paused"), (waits, "awaiting_approval")):
        assert hub.research("bob", "GET", f"sessions/{session_id}", host="bob")[1]["state"] == state
