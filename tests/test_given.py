"""Documents that come with a request: part of that session's library, and of nobody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Person, until

TOPIC = "how deep is the lake?"
NOTE = {"name": "my notes", "kind": "text", "text": "The lake is 425 metres deep, as the survey found."}


@pytest.fixture
def papers(jp_root_dir: Path) -> Path:
    folder = jp_root_dir / "papers"
    folder.mkdir()
    (folder / "survey.md").write_text("The survey says that the lake is 346 metres deep.", encoding="utf-8")
    return folder


async def ended(me: Person, documents: Any, **fields: Any) -> dict[str, Any]:
    options = {"analysts": 1, "turns": 1, **fields.pop("options", {})}
    started = await me.start(TOPIC, researcher="analysts", options=options, documents=documents, **fields)
    found: dict[str, Any] = await me.until(started["session_id"], "completed", "failed")
    return found


async def cited(me: Person, snapshot: dict[str, Any]) -> dict[str, str]:
    """Give the paths of what the report cites, with the quotes."""
    assert snapshot["state"] == "completed", snapshot["error"]
    report = await me.get(f"sessions/{snapshot['session_id']}/report?format=json")
    paths = {source["id"]: source["path"] for source in report["sources"]}
    claims = [claim for section in report["sections"] for claim in section["claims"]]
    return {paths[one["source"]]: one["quote"] for claim in claims for one in claim["citations"]}


async def test_without_a_source_they_are_all_that_is_read_and_the_session_is_local(
    me: Person, papers: Path, data_dir: Path
) -> None:
    snapshot = await ended(me, [NOTE], options={"local_only": False})
    assert await cited(me, snapshot) == {"my notes": NOTE["text"]}
    assert snapshot["options"]["local_only"] is True
    assert [set(one) for one in snapshot["options"]["documents"]] == [{"name", "hash"}]
    events = await me.get(f"sessions/{snapshot['session_id']}/events?limit=1000")
    assert "425 metres" not in json.dumps(events)
    (folder,) = data_dir.glob("sessions/*/documents")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def test_beside_a_source_they_are_read_with_it_and_by_this_session_alone(
    me: Person, papers: Path
) -> None:
    plain = await ended(me, None, options={"sources": ["papers"]})
    assert set(await cited(me, plain)) == {"papers/survey.md"}
    both = await ended(me, [NOTE], options={"sources": ["papers"]})
    assert set(await cited(me, both)) == {"papers/survey.md", "my notes"}
    found = await me.post(f"sessions/{plain['session_id']}/search", {"query": "425"}, 200)
    assert found["passages"] == []


async def test_they_never_go_to_an_online_source(me: Person) -> None:
    body = {"topic": TOPIC, "options": {"sources": ["wikipedia"]}, "documents": [NOTE]}
    assert "local only" in (await me.post("sessions", body, 400))["error"]


async def test_they_go_with_their_session(me: Person, data_dir: Path) -> None:
    snapshot = await ended(me, [NOTE])
    (folder,) = data_dir.glob("sessions/*/documents")
    assert (await me.ask("DELETE", f"sessions/{snapshot['session_id']}")).code == 204

    async def gone() -> bool:
        return not folder.exists()

    await until(gone)  # A thread that is still on its way out takes them along.


async def test_a_key_finds_the_session_of_the_same_documents(me: Person) -> None:
    first = await ended(me, [NOTE], key="cell")
    body = {"topic": TOPIC, "options": {"analysts": 1, "turns": 1}, "documents": [NOTE], "key": "cell"}
    assert (await me.post("sessions", body, 200))["session_id"] == first["session_id"]
    changed = {**NOTE, "text": "The lake is 425.5 metres deep."}
    other = await me.post("sessions", {**body, "documents": [changed]}, 202)
    assert other["session_id"] != first["session_id"]
    await me.until(other["session_id"], "completed")


@pytest.mark.parametrize(
    "documents",
    [
        {},
        ["text"],
        [{"name": "x", "kind": "text"}],
        [{**NOTE, "more": 1}],
        [{**NOTE, "name": ""}],
        [{**NOTE, "name": "a\nb"}],
        [{**NOTE, "name": "x" * 201}],
        [{**NOTE, "kind": "pdf"}],
        [{**NOTE, "kind": {}}],
        [{**NOTE, "text": " "}],
        [{**NOTE, "text": 1}],
        [NOTE] * 21,
    ],
)
async def test_what_is_no_document_is_refused(me: Person, documents: Any, data_dir: Path) -> None:
    body = {"topic": TOPIC, "researcher": "analysts", "documents": documents}
    assert (await me.post("sessions", body, 400))["code"] == "invalid"
    assert not list(data_dir.glob("sessions/*"))


async def test_who_reads_nothing_is_given_nothing(me: Person) -> None:
    body: dict[str, Any] = {"topic": TOPIC, "researcher": "steps", "documents": [NOTE]}
    assert "takes no documents" in (await me.post("sessions", body, 400))["error"]
    inside = {"topic": TOPIC, "options": {"documents": [{"name": "x", "hash": "y"}]}}
    assert (await me.post("sessions", inside, 400))["code"] == "invalid"


async def test_a_broken_document_is_named_and_the_session_says_that_there_is_nothing_to_read(
    me: Person,
) -> None:
    snapshot = await ended(me, [{"name": "the cells", "kind": "notebook", "text": "no JSON"}])
    assert snapshot["error"]["code"] == "no_documents"
    assert "the cells: not a notebook" in snapshot["error"]["message"]
