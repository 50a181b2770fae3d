from __future__ import annotations

import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from jupyter_research.carry import carriers
from jupyter_research.context import Binding, attempt_context, send_status_update
from jupyter_research.errors import InvalidRequest, ResearcherFailed
from jupyter_research.report import Claim, Report, Section, Verdict
from jupyter_research.researchers import FunctionResearcher, Registry, load
from jupyter_research.work import Control, Finished, Place, Work


class Notes:
    def __init__(self) -> None:
        self.closed = False
        self.updates: list[tuple[Any, Any]] = []
        self.asked: list[Any] = []

    def status(self, message: Any, status: Any) -> None:
        self.updates.append((message, status))

    def checkpoint(self) -> None:
        pass

    def approval(self, question: str, proposal: Any) -> Any:
        self.asked.append(proposal)
        return {"approved": proposal}


@pytest.fixture(autouse=True)
def carried() -> Iterator[None]:
    carriers.install()
    yield
    carriers.remove()


def run(function: Any, topic: str = "a topic", notes: Notes | None = None, **options: Any) -> Report:
    notes = notes or Notes()
    work = Work(
        session_id=topic, attempt=1, topic=topic, options=options, owner="local",
        place=Place(root=None, folder=Path()), folder=Path(), control=Control(),
    )  # fmt: skip
    with attempt_context(Binding(session_id=topic, attempt=1, sink=notes)):
        outcome = FunctionResearcher("mine", function).run(work)
    assert isinstance(outcome, Finished)
    return outcome.report


def test_markdown_becomes_sections_of_uncited_claims_and_is_kept():
    report = run(lambda topic: "# One\n\nFirst.\n\nSecond.\n\n## Two\nThird.")
    assert [(section.heading, [claim.text for claim in section.claims]) for section in report.sections] == [
        ("One", ["First.", "Second."]),
        ("Two", ["Third."]),
    ]
    assert report.markdown == "# One\n\nFirst.\n\nSecond.\n\n## Two\nThird."
    assert {claim.verdict.value for claim in report.claims()} == {"uncited"}


def test_a_report_and_a_dict_with_final_report_are_taken_as_they_are():
    assert run(lambda topic: Report(title="Mine")).title == "Mine"
    assert run(lambda topic: {"final_report": "Text."}).markdown == "Text."


@pytest.mark.parametrize(
    "made",
    [{"file": Path("notes.txt")}, {1: 2}, {"large": 2**70}, {"name": "caf\udce9"}, {"deep": [[[{1, 2}]]]}],
)
def test_a_report_with_facts_that_are_no_json_is_kept_and_says_so(made: Any):
    claim = Claim(id="c", text="So it is.", verdict=Verdict.VERBATIM)
    given = Report(title="Mine", sections=(Section(heading="One", claims=(claim,)),), made=made)
    report = run(lambda topic: given)
    assert orjson.loads(orjson.dumps(report.to_json()))["title"] == "Mine"
    assert report.sections == given.sections
    assert report.limitations == ("Some values of this report were no JSON and were written as text.",)


def test_a_text_that_utf_8_cannot_hold_is_kept_without_what_it_cannot():
    report = run(lambda topic: "# A caf\udce9\n\nIt is open.")
    assert report.markdown == "# A caf?\n\nIt is open."
    assert [claim.text for claim in report.claims()] == ["It is open."]
    assert len(report.limitations) == 1


def test_another_return_value_is_refused_in_a_sentence():
    with pytest.raises(ResearcherFailed, match="returned a int"):
        run(lambda topic: 42)


def test_async_functions_and_generators_send_what_they_yield():
    async def later(topic: str, depth: int = 1) -> str:
        send_status_update(f"depth {depth}")
        return "async"

    def yields(topic: str) -> Iterator[Any]:
        yield {"message": "one", "done": 1}
        yield "two"
        return "generated"

    async def yields_later(topic: str) -> Any:
        yield {"step": "A"}
        yield "the text"

    notes = Notes()
    assert run(later, notes=notes, depth=3).markdown == "async"
    assert run(yields, notes=notes).markdown == "generated"
    assert run(yields_later, notes=notes).markdown == "the text"
    assert notes.updates == [
        ("depth 3", None),
        (None, {"message": "one", "done": 1}),
        ("two", None),
        (None, {"step": "A"}),
        ("the text", None),
    ]


def test_options_that_a_function_does_not_take_are_refused():
    def function(topic: str, *, depth: int = 1) -> str:
        return ""

    researcher = FunctionResearcher("mine", function)
    place = Place(root=None, folder=Path())
    assert researcher.check({"depth": 2}, place) == {"depth": 2}
    with pytest.raises(InvalidRequest, match="breadth"):
        researcher.check({"breadth": 2}, place)


def legacy_module(name: str) -> types.ModuleType:
    """Make a module written against one global callback, which it calls from pool threads."""
    module = types.ModuleType(name)
    source = """
from concurrent.futures import ThreadPoolExecutor
callback = None
def set_status_callback(function):
    global callback
    callback = function
def research(topic):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: callback(f"{topic} {n}", {"step": topic}), range(50)))
    return topic
"""
    exec(source, module.__dict__)
    return module


def test_a_module_with_one_global_callback_serves_three_sessions_each_its_own(monkeypatch: Any):
    monkeypatch.setitem(sys.modules, "legacy_research", legacy_module("legacy_research"))
    researcher = load("legacy", "legacy_research:research")
    sinks = {topic: Notes() for topic in ("one", "two", "three")}
    barrier = threading.Barrier(3)

    def session(topic: str) -> None:
        barrier.wait()
        run(researcher.function, topic, sinks[topic])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(session, sinks))
    for topic, notes in sinks.items():
        assert sorted(message for message, _ in notes.updates) == sorted(f"{topic} {n}" for n in range(50))


def test_what_is_no_researcher_is_refused_in_a_sentence_that_says_what_is():
    from langchain_core.runnables import RunnableLambda
    from langgraph.graph import StateGraph

    place = Place(root=None, folder=Path())
    for value in (StateGraph(dict), RunnableLambda(str) | str, "text"):
        with pytest.raises(InvalidRequest, match=f"is a {type(value).__name__}: give a function .* compile"):
            FunctionResearcher("mine", value).check({}, place)  # type: ignore[arg-type]


def test_lambdas_and_graphs_given_at_run_time_do_not_take_each_others_place():
    registry = Registry(FunctionResearcher("analysts", lambda topic: ""), {})

    def words(topic: str) -> str:
        return topic

    one, two = (lambda topic: "one"), (lambda topic: "two")
    for function, name in ((one, "<lambda>"), (two, "<lambda> 2"), (one, "<lambda>"), (words, "words")):
        given = registry.name_for(getattr(function, "__name__", ""), function)
        assert given == name
        registry.add(FunctionResearcher(given, function))
    words_again = types.FunctionType(words.__code__, {}, "words")
    assert registry.name_for("words", words_again) == "words"


def test_a_researcher_comes_with_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    facts = tmp_path / "their_package-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[jupyter_research.researchers]\ntheirs = their_package.research:find\n"
    )
    package = tmp_path / "their_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "research.py").write_text('def find(topic):\n    """Find it."""\n    return topic\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry(FunctionResearcher("analysts", lambda topic: ""), {})
    assert {"name": "theirs", "description": "Find it."} in registry.describe()
    assert registry.get("theirs").function("tides") == "tides"  # type: ignore[attr-defined]


def test_a_registry_lists_all_and_says_what_cannot_be_imported():
    built_in = FunctionResearcher("analysts", lambda topic: "")
    registry = Registry(built_in, {"good": "jupyter_research.testing:steps", "bad": "no_such_module:f"})
    assert registry.names()[0] == "analysts" and {"good", "bad"} <= set(registry.names())
    described = {item["name"]: item["description"] for item in registry.describe()}
    assert described["good"] == "Send a few updates and end."
    assert "cannot be imported" in described["bad"]
    with pytest.raises(InvalidRequest, match="no researcher 'absent'"):
        registry.get("absent")
    with pytest.raises(InvalidRequest, match="no_such_module"):
        registry.get("bad")
