"""Try what an attacker would, as one of two people on a server; docs/isolation.md lists each attempt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import websocket
from neighbours import SECRET, TOKENS, Shared, shared_server

from jupyter_research.bodies import MAX_BODY

PAGE = (Path(__file__).parent.parent / "docs" / "isolation.md").read_text(encoding="utf-8")

#: The attempts of the page's table, each with its test.
ATTEMPTS: dict[str, Callable[..., None]] = {}

QUERIES = [
    "'; drop table sessions; --", '" or 1=1 --', "a* NEAR(b c, 2) OR title:x", '"unbalanced', "((((",
    "^x - NOT", "{a b}: c", "AND OR NOT", "% _ \x7f",
]  # fmt: skip

BEYOND = [
    "../secret.md", "../../../../../../etc/hostname", "/etc/hostname", "note.md/../../secret.md",
    "papers/../../secret.md", "%2e%2e/secret.md", "..\\secret.md", "~root", "file:///etc/hostname",
    "*/../../secret.md", "../*", "note.md\x00.txt", "link", "links/secret.md",
]  # fmt: skip


def attempt(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Take a test in under the row of the page that it stands for."""

    def take(test: Callable[..., None]) -> Callable[..., None]:
        ATTEMPTS[text] = test
        return test

    return take


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("attacks")
    with shared_server(folder) as shared:
        outside = folder / "outside"
        outside.mkdir()
        for path in (folder / "secret.md", outside / "secret.md"):
            path.write_text(f"# Elsewhere\n\nThe {SECRET} grows outside of the root folder.\n")
        (shared.root / "note.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
        (shared.root / "link").symlink_to(outside / "secret.md")
        (shared.root / "links").symlink_to(outside)
        yield shared


def refused(shared: Shared, **fields: Any) -> dict[str, Any]:
    answer = shared.ask("bob", "POST", "/sessions", {"topic": "the moon", **fields})
    assert answer.status == 400, answer.body
    return dict(answer.json)


@pytest.mark.parametrize("name", BEYOND, ids=ascii)
@attempt("a path out of the root folder as a source: `..`, absolute, a home, a pattern, a URL, a NUL, a link")
def test_source_out_of_the_root_is_refused(shared: Shared, name: str) -> None:
    answer = refused(shared, options={"sources": [name]})
    assert answer["code"] in ("path", "unknown_name")
    assert "does not exist or may not be read" in answer["error"] or "There is no library" in answer["error"]


@attempt("a symbolic link out of a folder that is read as a whole")
def test_link_out_of_a_folder_is_not_followed(shared: Shared) -> None:
    options = {"sources": ["."], "analysts": 1, "turns": 1}
    session_id = shared.start("bob", "analysts", approve="auto", options=options)
    shared.until(session_id, "completed", who="bob")
    report = shared.ask("bob", "GET", f"/sessions/{session_id}/report?format=json").json
    assert (report["made"]["documents"], report["made"]["failed"]) == (1, ["links"])
    assert "grows outside" not in json.dumps(report)
    found = shared.ask("bob", "POST", f"/sessions/{session_id}/search", {"query": SECRET})
    assert found.json["passages"] == []


@pytest.mark.parametrize("name", ["../../elsewhere.ipynb", "/etc/note.ipynb", "links/x.ipynb"])
@attempt("the path of a notebook elsewhere, so that its folder is read")
def test_notebook_elsewhere_is_refused(shared: Shared, name: str) -> None:
    assert refused(shared, notebook=name, options={"sources": ["secret.md"]})["code"] in ("path", "invalid")


@pytest.mark.parametrize(
    "format", ["../../etc/passwd", "html/../json", "HTML", "exe", "%2e%2e%2fjson", "__class__"]
)
@attempt("a path as the format of an export")
def test_format_that_is_a_path_is_refused(shared: Shared, format: str) -> None:
    session_id = shared.start("bob", "steps")
    shared.until(session_id, "completed", who="bob")
    answer = shared.ask("bob", "GET", f"/sessions/{session_id}/report?format={format}")
    assert (answer.status, answer.json["code"]) == (400, "unknown_name")


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/..%2F..%2Fetc%2Fpasswd", "/sessions/../health/../sessions/{id}", "/sessions/{id}%00",
        "/sessions/{id}/", "//sessions/{id}", "/sessions/{ID}", "/sessions/{id};x", "/sessions/%2e/{id}",
        "/sessions/{id}/sources/..%2F..%2Fresearch.sqlite", "/sessions/{id}/sources/..",
        "/sessions/{id}/sources/%2e%2e%2fledger.sqlite",
    ],
)  # fmt: skip
@attempt("a path in the place of an id, and detours to another's session")
def test_detour_leads_nowhere(shared: Shared, path: str) -> None:
    session_id = shared.start()
    answer = shared.ask("bob", "GET", path.format(id=session_id, ID=session_id.upper()))
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    shared.ask("alice", "DELETE", f"/sessions/{session_id}")


@pytest.mark.parametrize("text", QUERIES, ids=ascii)
@attempt("SQL, and the syntax of full-text search, in topics, searches, questions and parameters")
def test_syntax_in_texts_is_text(shared: Shared, text: str) -> None:
    options = {"sources": ["note.md"], "analysts": 1, "turns": 1}
    topic = f"the moon {text}"
    answer = shared.ask(
        "bob",
        "POST",
        "/sessions",
        {"topic": topic, "researcher": "analysts", "approve": "auto", "options": options, "key": text},
    )
    assert answer.status == 202, answer.body
    session_id = answer.json["session_id"]
    ended = shared.until(session_id, "completed", "failed", who="bob")
    assert (ended["state"], ended["topic"]) == ("completed", topic), ended["error"]
    for path, body in (("search", {"query": text}), ("ask", {"question": f"{text} moon"})):
        asked = shared.ask("bob", "POST", f"/sessions/{session_id}/{path}", body)
        assert asked.status in (200, 400), asked.body
    for parameter in ("before", "state"):
        asked = shared.ask("bob", "GET", f"/sessions?{parameter}={quote(text)}")
        assert asked.status == 400, asked.body
    assert shared.ask("bob", "GET", f"/sessions/{session_id}/events").json["last"] == ended["last_seq"]


@attempt("line breaks in a topic that becomes the name of a file")
def test_name_of_a_file_splits_no_header(shared: Shared) -> None:
    topic = 'a"\r\nSet-Cookie: owned=1\r\n\r\n<script>; é\u202e../../x'
    answer = shared.ask("bob", "POST", "/sessions", {"topic": topic, "researcher": "steps"})
    session_id = answer.json["session_id"]
    shared.until(session_id, "completed", who="bob")
    answer = shared.ask("bob", "GET", f"/sessions/{session_id}/report?format=html&download=1")
    disposition = answer.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename\*?=[\w'.%-]+", disposition), disposition
    assert ".." not in disposition
    assert "owned" not in answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"topic": "' + b"x" * MAX_BODY + b'"}', 413),
        (b"[" * 200_000, 400),
        (b'{"topic":' * 50_000, 400),
        (json.dumps({"topic": "x" * 4001}).encode(), 400),
        (json.dumps({"topic": "x", "options": {"sources": ["y"] * 50_000}}).encode(), 400),
        (json.dumps({"topic": "x", "options": {"analysts": 10**400}}).encode(), 400),
        (json.dumps({"topic": "x", **{f"field{n}": n for n in range(20_000)}}).encode(), 400),
    ],
    ids=["long", "deep", "open", "topic", "sources", "number", "fields"],
)
@attempt("a body that is too large, too deep, or has too much of something")
def test_body_beyond_all_measure_is_refused(shared: Shared, body: bytes, status: int) -> None:
    answer = shared.ask("bob", "POST", "/sessions", body)
    assert answer.status == status, answer.body[:300]
    assert len(answer.body) < 2000


@attempt("200 sockets of one person")
def test_sockets_of_one_person_end_at_a_limit_and_nobody_else_feels_it(shared: Shared) -> None:
    with ExitStack() as stack:

        def connect(who: str) -> websocket.WebSocket:
            socket = shared.socket(Authorization=f"token {TOKENS[who]}")
            stack.callback(socket.shutdown)
            return socket

        refusals = []
        for _ in range(200):
            try:
                connect("bob")
            except websocket.WebSocketBadStatusException as refusal:
                refusals.append(refusal)
        assert len(refusals) == 100
        assert {refusal.status_code for refusal in refusals} == {429}
        assert "close some of them" in str(refusals[0].resp_body)
        session_id = shared.start()
        alice = connect("alice")
        alice.send(json.dumps({"type": "join_session", "session_id": session_id}))
        assert json.loads(alice.recv())["type"] == "session_joined"


@attempt("joins of another's session on one's own socket")
def test_join_of_anothers_session_is_answered_as_unknown(shared: Shared) -> None:
    session_id = shared.start()
    socket = shared.socket(Authorization=f"token {TOKENS['bob']}")
    answers = []
    for more in ({}, {"after": 0}, {"after": 10**9, "log": "x"}):
        for one in (session_id, "0" * 32):
            socket.send(json.dumps({"type": "join_session", "session_id": one, **more}))
            answer = json.loads(socket.recv())
            assert answer.pop("session_id") == one
            answers.append(answer)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "not_found"
    socket.close()


@attempt("the key of another's cell, to get into that session")
def test_key_of_another_makes_a_session_of_ones_own(shared: Shared) -> None:
    hers = shared.start("alice", "steps", key="the same")
    assert shared.start("bob", "steps", key="the same") != hers


@attempt("a header or a parameter that names another verb")
def test_verb_in_a_header_counts_for_nothing(shared: Shared) -> None:
    session_id = shared.start()
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}):
        shared.ask("alice", "GET", f"/sessions/{session_id}?_method=DELETE", **headers)
    assert shared.ask("alice", "GET", f"/sessions/{session_id}").status == 200


@attempt("a token in the address, which lands in logs")
def test_token_in_an_address_is_not_logged(shared: Shared) -> None:
    # Jupyter's own way in, on a server without a Hub; what is ours is that nothing repeats it.
    answer = shared.send("GET", f"/health?token={TOKENS['bob']}")
    assert answer.status == 200
    assert TOKENS["bob"] not in (shared.server.folder / "server.log").read_text()


def test_every_attempt_of_the_page_has_its_test_and_every_test_its_row() -> None:
    table = PAGE.partition("## What else is tried")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|")[0].strip() for line in table.splitlines() if line.startswith("|")][2:]
    browser = "an output of a foreign notebook that claims to be a session"
    assert rows == [*ATTEMPTS, browser]
