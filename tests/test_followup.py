"""Further questions to what a session has read: over REST, to its owner alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Person

from jupyter_research.documents.reading import Reading
from jupyter_research.report_handlers import LibrarySearchHandler

LIBRARY = {
    "mill.md": "# The tide mill\n\nA tide mill is driven by the rise and fall of the tide. The wheel of the "
    "tide mill turned for about 6 hours on each tide.\n\n## Gates\n\nThe sluice gate of a tide mill is "
    "closed by the water itself when the tide falls.\n",
    "bread.txt": "Bread is baked from flour, water and salt. The oven of a bakery is heated with oak.\n",
}
TOPIC = "how does a tide mill turn its wheel?"


@pytest.fixture
def papers(jp_root_dir: Path) -> Path:
    folder = jp_root_dir / "papers"
    folder.mkdir()
    for name, text in LIBRARY.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


async def finished(person: Person, **fields: Any) -> str:
    """Run a session of analysts to its end."""
    options = {"sources": ["papers"], "analysts": 1, "turns": 1}
    started = await person.start(TOPIC, researcher="analysts", **{"options": options, **fields})
    ended = await person.until(started["session_id"], "completed", "failed")
    assert ended["state"] == "completed", ended["error"]
    session_id: str = ended["session_id"]
    return session_id


async def test_a_session_is_searched_for_passages_with_their_places(me: Person, papers: Path) -> None:
    session_id = await finished(me)
    answer = await me.post(f"sessions/{session_id}/search", {"query": "sluice gates closing", "k": 1}, 200)
    (passage,) = answer["passages"]
    assert (passage["path"], passage["heading"]) == ("papers/mill.md", "Gates")
    assert LIBRARY["mill.md"][passage["start"] : passage["end"]] == passage["quote"]


async def test_a_further_question_is_answered_word_for_word_with_sources_that_open(
    me: Person, papers: Path
) -> None:
    session_id = await finished(me)
    answer = await me.post(f"sessions/{session_id}/ask", {"question": "how is the oven heated?"}, 200)
    (section,) = answer["report"]["sections"]
    claim = section["claims"][0]
    assert claim["verdict"] == "verbatim"
    (citation,) = claim["citations"]
    source = await me.get(f"sessions/{session_id}/sources/{citation['source']}")
    assert source["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert citation["quote"] == "The oven of a bakery is heated with oak."
    assert [one["path"] for one in answer["report"]["sources"]] == ["papers/bread.txt"]
    assert "“The oven of a bakery is heated with oak.”" in answer["markdown"]


async def test_a_question_that_names_nothing_is_asked_about_the_topic(me: Person, papers: Path) -> None:
    session_id = await finished(me)
    answer = await me.post(f"sessions/{session_id}/ask", {"question": "for how long?"}, 200)
    quotes = [claim["text"] for section in answer["report"]["sections"] for claim in section["claims"]]
    assert any("6 hours" in quote for quote in quotes)


async def test_words_of_a_question_that_never_meet_are_no_answer(me: Person, papers: Path) -> None:
    session_id = await finished(me, key="apart")
    answer = await me.post(f"sessions/{session_id}/ask", {"question": "is oak good for a sluice?"}, 200)
    shown = [claim["text"] for section in answer["report"]["sections"] for claim in section["claims"]]
    assert not any("heated with oak" in text for text in shown)


async def test_a_question_that_finds_nothing_says_so(me: Person, papers: Path) -> None:
    session_id = await finished(me, options={"sources": ["papers/bread.txt"], "analysts": 1, "turns": 1})
    answer = await me.post(f"sessions/{session_id}/ask", {"question": "zebras?"}, 200)
    assert answer["report"]["sections"] == []
    assert "Nothing about the question" in answer["report"]["limitations"][-1]


async def test_questions_read_what_the_session_read_though_its_files_and_index_are_gone(
    me: Person, papers: Path, data_dir: Path
) -> None:
    session_id = await finished(me)
    (papers / "bread.txt").unlink()
    answer = await me.post(f"sessions/{session_id}/search", {"query": "oak oven"}, 200)
    assert [one["path"] for one in answer["passages"]] == ["papers/bread.txt"]
    for index in (data_dir / "indexes").iterdir():
        index.unlink(missing_ok=True)  # A journal goes when the last one has closed its file.
    answer = await me.post(f"sessions/{session_id}/search", {"query": "tide"}, 200)
    assert {one["path"] for one in answer["passages"]} == {"papers/mill.md"}


async def test_a_researcher_without_a_library_says_so(me: Person) -> None:
    session_id = (await me.start())["session_id"]
    await me.until(session_id, "completed")
    for path, body in (("search", {"query": "x"}), ("ask", {"question": "x"})):
        refused = await me.post(f"sessions/{session_id}/{path}", body, 409)
        assert refused["code"] == "wrong_state"
        assert "no library" in refused["error"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("search", {}),
        ("search", {"query": " "}),
        ("search", {"query": 1}),
        ("search", {"query": "x", "k": 0}),
        ("search", {"query": "x", "k": True}),
        ("search", {"query": "x", "more": 1}),
        ("ask", {}),
        ("ask", {"question": ["x"]}),
        ("ask", {"question": "\n"}),
        ("ask", {"question": "x" * 4001}),
    ],
)
async def test_a_question_that_is_none_is_refused(me: Person, papers: Path, path: str, body: Any) -> None:
    session_id = await finished(me)
    assert (await me.post(f"sessions/{session_id}/{path}", body, 400))["code"] == "invalid"


class TestOwners:
    @pytest.fixture
    def people(self) -> bool:
        return True

    async def test_what_one_has_read_answers_nobody_else(
        self, person: Callable[[str], Person], papers: Path
    ) -> None:
        alice, bob = person("alice"), person("bob")
        session_id = await finished(alice)
        for path, body in (("search", {"query": "tide"}), ("ask", {"question": "tide?"})):
            await alice.post(f"sessions/{session_id}/{path}", body, 200)
            refused = await bob.post(f"sessions/{session_id}/{path}", body, 404)
            assert refused["code"] == "not_found"


async def test_files_are_searched_without_a_session(me: Person, papers: Path) -> None:
    asked = {"query": "sluice gates closing", "k": 1, "sources": ["papers"]}
    (passage,) = (await me.post("search", asked, 200))["passages"]
    assert (passage["path"], passage["heading"]) == ("papers/mill.md", "Gates")
    assert (await me.get("sessions"))["sessions"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"query": "why", "sources": ["../../etc"]}, "does not exist or may not be read"),
        ({"query": "why", "sources": ["nowhere"]}, "There is no library called"),
        ({"query": "why", "sources": "papers"}, "sources must be a list"),
        ({"query": "why", "sources": ["papers"], "k": 0}, "1 to 1000 passages"),
        ({"query": " ", "sources": ["papers"]}, "query is empty"),
    ],
)
async def test_what_may_not_be_searched_is_refused_in_one_sentence(
    me: Person, papers: Path, asked: dict[str, Any], said: str
) -> None:
    answer = await me.ask("POST", "search", asked)
    assert answer.code == 400 and said in json.loads(answer.body)["error"]


async def test_a_reading_that_takes_long_goes_on_at_the_next_search(
    me: Person, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"query": "oven", "sources": ["papers"]}
    with monkeypatch.context() as patch:
        patch.setattr(LibrarySearchHandler, "patience", 0)
        # The worker waits until the time is up, however slow or fast the machine is.
        patch.setattr(Reading, "_work", lambda self, worker: self._control.stopped.wait(90))
        answer = await me.ask("POST", "search", asked)
    assert answer.code == 429 and answer.headers["Retry-After"] == "1"
    assert "search again" in json.loads(answer.body)["error"]
    (passage,) = (await me.post("search", asked, 200))["passages"]
    assert passage["path"] == "papers/bread.txt"
