"""Two people on one server: each cell of the matrix in docs/isolation.md is a test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from live import until
from neighbours import FOREIGN, SECRET, TOKENS, Answer, Shared, shared_server
from test_handlers import TABLE

from jupyter_research.export import FORMATS

NOBODY = "0" * 32
PAGE = (Path(__file__).parent.parent / "docs" / "isolation.md").read_text(encoding="utf-8")


def matrix() -> dict[tuple[str, str], int]:
    """Read the matrix: the status that stands in each cell, by request and column."""
    table = PAGE.partition("| request |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    head, cells = rows[0], rows[2:]
    return {
        (row[0].strip("`"), column): int(status)
        for row in cells
        for column, status in zip(head, row[1:], strict=True)
    }


MATRIX = matrix()


def requests() -> set[str]:
    """Give every request that the application knows: verb, path, format."""
    formats = {f"GET /sessions/{{id}}/report?format={name}" for name in FORMATS}
    plain = {
        f"{verb} {path}".replace("{session}", "{id}").replace("sources/d1", "sources/{source}")
        for verb, path in TABLE
        if not path.endswith("/report")
    }
    anything = {"GET /nowhere/at/all", "POST /nowhere/at/all", "PUT /nowhere/at/all"}
    anything |= {"PATCH /nowhere/at/all", "DELETE /nowhere/at/all"}
    return (plain - anything) | formats | {"GET /ws", "PUT /sessions/{id}", "GET /nowhere"}


# -- what is asked for -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with shared_server(tmp_path_factory.mktemp("shared")) as shared:
        (shared.root / "note.md").write_text(f"# Flowers\n\nThe {SECRET} turns to the sun all day long.\n")
        yield shared


class Sessions:
    """Hold sessions of alice in the states in which there is something to get or to spoil."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._made: dict[str, str] = {}

    def get(self, request: str, *, fresh: bool) -> str:
        """Give the session for a request; a fresh one where the request will have its way."""
        kind = next((kind for end, kind in NEEDS.items() if end in request), "done")
        if fresh and kind != "done":
            return self._make(kind)
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def _make(self, kind: str) -> str:
        return {"done": self._done, "waits": self._waits, "works": self._works, "held": self._held}[kind]()

    def _done(self) -> str:
        options = {"sources": ["note.md"], "analysts": 1, "turns": 1}
        session_id = self._shared.start(researcher="analysts", approve="auto", options=options)
        self._shared.until(session_id, "completed")
        return session_id

    def _waits(self) -> str:
        options = {"sources": ["note.md"], "analysts": 1, "turns": 1}
        session_id = self._shared.start(researcher="analysts", approve="ask", options=options)
        self._shared.until(session_id, "awaiting_approval")
        return session_id

    def _works(self) -> str:
        session_id = self._shared.start()
        # Not before it has said all that it says until its end: what follows compares its snapshots.
        until(lambda: self._shared.ask("alice", "GET", f"/sessions/{session_id}").json["step"] == "WORK")
        return session_id

    def _held(self) -> str:
        session_id = self._works()
        assert self._shared.ask("alice", "POST", f"/sessions/{session_id}/pause").status == 202
        return session_id


#: In which state a session has to be for its owner to have success.
NEEDS = {
    "/approve": "waits", "/modify": "waits", "/pause": "works", "/resume": "held", "/cancel": "works",
    "DELETE": "works", "/test-websocket": "works",
}  # fmt: skip

BODIES: dict[str, dict[str, Any]] = {
    "POST /sessions": {"topic": "what turns to the sun?", "researcher": "steps"},
    "POST /sessions/{id}/approve": {"version": 1},
    "POST /sessions/{id}/modify": {"version": 1, "feedback": "one more, please"},
    "POST /search": {"query": "sun", "sources": ["example"]},
    "POST /sessions/{id}/search": {"query": "sun"},
    "PUT /defaults": {},
    "POST /sessions/{id}/ask": {"question": "what turns to the sun?"},
}


@pytest.fixture(scope="module")
def sessions(shared: Shared) -> Sessions:
    return Sessions(shared)


# -- who asks --------------------------------------------------------------------------------------


def headers(shared: Shared, who: str) -> dict[str, str]:
    """Give what a column of the matrix sends to prove who it is."""
    cookie = {"Cookie": shared.cookies("alice")}
    return {
        "owner": {"Authorization": f"token {TOKENS['alice']}"},
        "owner's page": {**cookie, "X-XSRFToken": shared.proof("alice")},
        "another": {"Authorization": f"token {TOKENS['bob']}"},
        "another's page": {"Cookie": shared.cookies("bob"), "X-XSRFToken": shared.proof("bob")},
        "nobody": {},
        "wrong token": {"Authorization": "token wrong"},
        "cookie alone": cookie,
        "foreign page": {**cookie, "Origin": FOREIGN, "Referer": f"{FOREIGN}/page"},
    }[who]


WHO = (
    "owner",
    "owner's page",
    "another",
    "another's page",
    "nobody",
    "wrong token",
    "cookie alone",
    "foreign page",
)


def test_matrix_has_a_row_for_every_route_verb_and_format_and_a_column_for_everybody() -> None:
    assert {request for request, _ in MATRIX} == requests()
    assert {who for _, who in MATRIX} == set(WHO)


@pytest.mark.parametrize(("request_", "who"), MATRIX, ids=lambda value: str(value).replace(" ", "-"))
def test_cell_of_the_matrix(shared: Shared, sessions: Sessions, request_: str, who: str) -> None:
    if request_ == "GET /ws":
        assert upgrade(shared, headers(shared, who)) == MATRIX[request_, who]
        return
    succeeds = MATRIX[request_, who] < 300
    session_id = sessions.get(request_, fresh=succeeds)
    if "{source}" in request_:
        report = shared.ask("alice", "GET", f"/sessions/{session_id}/report?format=json").json
        source = report["sources"][0]["id"]
    else:
        source = ""
    before = shared.ask("alice", "GET", f"/sessions/{session_id}").json
    verb, path = request_.format(id=session_id, source=source).split(" ", 1)
    body = BODIES.get(request_)
    if path == "/test-websocket":
        body = {"session_id": session_id}
    answer = shared.send(verb, path, body, **headers(shared, who))
    assert answer.status == MATRIX[request_, who], answer.body
    if who.startswith("owner") or (who == "cookie alone" and succeeds):
        return  # Its browser alone can read that: to another page of it no server hands this on.
    assert SECRET not in answer.body.decode("utf-8", "replace")
    if not succeeds or who.startswith("another"):
        assert session_id not in answer.body.decode("utf-8", "replace")
    if not succeeds:
        assert answer.json["error"]
    assert shared.ask("alice", "GET", f"/sessions/{session_id}").json == before


def upgrade(shared: Shared, given: dict[str, str]) -> int:
    """Open a socket as a browser does, and give the status."""
    if "Cookie" in given:
        given.setdefault("Origin", f"http://{shared.host}")
    try:
        shared.socket(**given).close()
    except websocket.WebSocketBadStatusException as refusal:
        return refusal.status_code
    return 101


@pytest.mark.parametrize("request_", sorted(request for request in requests() if "{id}" in request))
def test_leaked_id_and_guessed_id_get_the_same_answer(
    shared: Shared, sessions: Sessions, request_: str
) -> None:
    session_id = sessions.get(request_, fresh=False)

    def bob(one: str) -> Answer:
        verb, path = request_.format(id=one, source="d1").split(" ", 1)
        return shared.ask("bob", verb, path, BODIES.get(request_))

    leaked, guessed = bob(session_id), bob(NOBODY)
    assert (leaked.status, leaked.body) == (guessed.status, guessed.body)
