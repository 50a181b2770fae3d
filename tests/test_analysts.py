from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from itertools import combinations
from pathlib import Path

import pytest

from jupyter_research.analysts import Analysts
from jupyter_research.analysts.progress import STEPS
from jupyter_research.context import Binding, attempt_context
from jupyter_research.errors import InvalidRequest, NoDocuments, ResearcherFailed, SessionCancelled
from jupyter_research.ledger import Ledger
from jupyter_research.models import Extractive
from jupyter_research.work import Control, Decision, Drained, Finished, Place, Proposed, Work

TOPIC = "how does the tide mill keep its wheel turning?"

PAPERS = {
    "mill.md": """# The tide mill

A tide mill is a water mill that is driven by the rise and fall of the tide. The mill pond fills through a
sluice gate when the tide comes in. When the tide falls, the stored water leaves the pond and turns the wheel
of the mill. The wheel of the tide mill turned for about 6 hours on each tide.

## Limits

However, the tide mill cannot turn its wheel at high water. It is unknown how many tide mills had a second
wheel.
""",
    "survey.md": """# A survey of mills

In 1938 a survey counted 10 tide mills that still worked in the county. The tide mill at Woodbridge turned its
wheel for about 4 hours on each tide. A miller keeps the wheel turning by opening the gate in small steps.

The survey did not find that a tide mill needs two gates to keep its wheel turning.
""",
    "bread.txt": "Bread is baked from flour, water and salt. The oven must be hot before the bread "
    "goes in.\n",
}


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    for name, text in PAPERS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Place(root=folder, folder=folder)


class Recorder:
    """Take updates as a session's log would."""

    def __init__(self):
        self.updates = []
        self.closed = False
        self.on_status = None

    def status(self, message, status):
        self.updates.append((message, status))
        if self.on_status is not None:
            self.on_status(message, status)

    def checkpoint(self):
        pass


class Session:
    """Run a session as the manager does: turn by turn, over real files."""

    def __init__(self, tmp_path, place, name="session", topic=TOPIC, researcher=None, **options):
        self.folder = tmp_path / name
        self.folder.mkdir()
        self.researcher = researcher or Analysts(indexes=tmp_path / "indexes")
        self.options = self.researcher.check(options, place)
        self.place, self.topic, self.name = place, topic, name
        self.recorder = Recorder()
        self.control = Control()

    def work(self, decision=None):
        return Work(
            session_id=self.name,
            attempt=1,
            topic=self.topic,
            options=self.options,
            owner="local",
            place=self.place,
            folder=self.folder,
            control=self.control,
            decision=decision,
        )

    def turn(self, decision=None):
        self.control = Control()
        with attempt_context(Binding(session_id=self.name, attempt=1, sink=self.recorder)):
            return self.researcher.run(self.work(decision))

    def propose(self):
        outcome = self.turn()
        assert isinstance(outcome, Proposed)
        return outcome

    def finish(self, proposal=None):
        proposed = self.propose()
        outcome = self.turn(Decision(proposal=proposal or proposed.proposal))
        assert isinstance(outcome, Finished)
        return outcome.report

    def calls(self):
        with Ledger(self.folder / "ledger.sqlite", self.name) as ledger:
            return ledger.steps()


@pytest.fixture
def session(tmp_path, place):
    return Session(tmp_path, place)


def quotes(report):
    return [citation for claim in report.claims() for citation in claim.citations]


def plain(report):
    """Give what must not differ between two runs over the same files."""
    data = report.to_json()
    return {name: data[name] for name in ("title", "topic", "sections", "sources", "limitations")}


def test_a_session_proposes_a_team_and_then_writes_a_report(session):
    proposed = session.propose()
    names = [analyst["name"] for analyst in proposed.proposal["analysts"]]
    assert names == ["What it is", "Findings and numbers", "How it works"]
    assert all(analyst["affiliation"] == "" for analyst in proposed.proposal["analysts"])
    assert "3 documents" in proposed.question
    report = session.turn(Decision(proposal=proposed.proposal)).report
    assert report.title == f"Evidence digest: {TOPIC}"
    assert [section.analyst for section in report.sections if section.analyst] == [
        "what-it-is",
        "findings",
        "how-it-works",
    ]
    assert quotes(report)


def test_every_citation_is_verbatim_in_the_stored_text_and_in_the_file(session):
    report = session.finish()
    paths = {source.id: source.path for source in report.sources}
    assert sorted(paths.values()) == ["mill.md", "survey.md"]
    for citation in quotes(report):
        title, text = session.researcher.source_text(session.folder, citation.source)
        assert title
        assert text[citation.start : citation.end] == citation.quote
        file = (session.place.folder / paths[citation.source]).read_text(encoding="utf-8")
        assert file[citation.start : citation.end] == citation.quote
    assert all(claim.verdict.value == "verbatim" for claim in report.claims() if claim.citations)


def test_no_sentence_stands_twice_and_nothing_is_said_without_a_source_but_the_frame(session):
    report = session.finish()
    texts = [claim.text for claim in report.claims() if claim.citations]
    assert len(texts) == len(set(texts))
    spans = [(one.source, one.start, one.end) for one in quotes(report)]
    assert not any(
        source == other and start < last and first < end
        for (source, start, end), (other, first, last) in combinations(spans, 2)
    )
    assert all(bool(claim.citations) is not claim.note for claim in report.claims())


def test_what_opposes_stands_side_by_side_below_the_point_in_which_it_differs(session):
    (section,) = (one for one in session.finish().sections if one.heading == "Possibly at odds")
    assert section.claims[0].text in ("Another number: 6 and 4.", "Another number: 4 and 6.")
    assert {"about 6 hours", "about 4 hours"} == {
        found
        for claim in section.claims
        for found in ("about 6 hours", "about 4 hours")
        if found in claim.text
    }


def test_sources_are_numbered_in_the_order_in_which_the_report_uses_them(session):
    report = session.finish()
    numbers = {source.id: source.number for source in report.sources}
    used = list(dict.fromkeys(numbers[citation.source] for citation in quotes(report)))
    assert used == list(range(1, len(report.sources) + 1))


def test_what_is_off_the_topic_is_not_quoted(session):
    assert not any("bread" in citation.quote.lower() for citation in quotes(session.finish()))


def test_an_edited_team_is_used_exactly_as_edited(session):
    analysts = session.propose().proposal["analysts"]
    renamed = {**analysts[0], "name": "Begriff und Wesen"}
    added = {"name": "Gatekeeper", "role": "Looks for gates", "description": "sluice gate"}
    team = session.researcher.check_proposal({"analysts": [added, renamed]})
    report = session.turn(Decision(proposal=team)).report
    sections = {section.analyst: section for section in report.sections if section.analyst}
    assert [section.heading for section in sections.values()] == ["Gatekeeper", "Begriff und Wesen"]
    shown = [quote.quote for quote in quotes(report)]
    assert any("gate" in text for text in shown)
    assert report.made["analysts"] == ["Gatekeeper", "Begriff und Wesen"]


def test_a_change_leads_to_another_proposal_that_says_what_was_understood(session):
    session.propose()
    second = session.turn(Decision(feedback="No numbers please, but add caveats"))
    assert isinstance(second, Proposed)
    names = [analyst["name"] for analyst in second.proposal["analysts"]]
    assert names == ["What it is", "How it works", "Caveats and disagreement"]
    third = session.turn(Decision(feedback="Also look at the sluice gate"))
    names = [analyst["name"] for analyst in third.proposal["analysts"]]
    assert names[-1] == "About “sluice gate”"
    fourth = session.turn(Decision(feedback="do it right"))
    assert "unchanged" in fourth.question
    assert [analyst["name"] for analyst in fourth.proposal["analysts"]] == names
    report = session.turn(Decision(proposal=fourth.proposal)).report
    assert report.made["analysts"] == names


def test_a_proposal_waits_for_its_decision_however_often_the_server_starts_anew(session):
    first = session.propose()
    again = session.turn()
    assert isinstance(again, Proposed)
    assert again.proposal == first.proposal
    assert sum(step.startswith("create_analysts") for step, _ in session.calls()) == 1


def test_a_drained_session_goes_on_where_it_was_and_ends_with_the_same_report(tmp_path, place):
    whole = Session(tmp_path, place, "whole").finish()
    reference = sorted(Session(tmp_path, place, "reference").finish().made.items())
    assert reference
    session = Session(tmp_path, place, "drained")
    proposed = session.propose()

    def drain(message, status):
        if status["step"] == "SEARCH_LIBRARY":
            session.control.request_drain()

    session.recorder.on_status = drain
    outcome = session.turn(Decision(proposal=proposed.proposal))
    assert isinstance(outcome, Drained)
    before = session.calls()
    turns = 0
    while isinstance(outcome, Drained):
        outcome = session.turn()
        turns += 1
        if turns == 2:
            session.recorder.on_status = None
        assert turns < 50
    assert plain(outcome.report) == plain(whole)
    steps = [step for step, _ in session.calls()]
    assert len(steps) == len(set(steps))
    assert session.calls()[: len(before)] == before
    assert outcome.report.made["calls"] == whole.made["calls"]


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_analysts import Recorder, Session
from jupyter_research.work import Decision, Place, Proposed
folder, number = Path(sys.argv[1]), int(sys.argv[2])
session = Session.__new__(Session)
def go(session):
    from jupyter_research.analysts import Analysts
    session.folder, session.name, session.topic = folder / "killed", "killed", sys.argv[3]
    session.researcher = Analysts(indexes=folder / "indexes")
    session.place = Place(root=folder / "papers", folder=folder / "papers")
    session.options = session.researcher.check({{}}, session.place)
    session.recorder = Recorder()
    left = [number]
    def die(message, status):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
    session.recorder.on_status = die
    outcome = session.turn()
    while isinstance(outcome, Proposed):
        outcome = session.turn(Decision(proposal=outcome.proposal))
go(session)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [9, 17, 26, 40])
def test_a_killed_session_repeats_no_call_and_ends_with_the_same_report(tmp_path, place, number):
    whole = Session(tmp_path, place, "whole").finish()
    session = Session(tmp_path, place, "killed")
    script = KILLED.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(number), TOPIC], env=environment, timeout=120
    )
    assert killed.returncode == 9
    before = session.calls()
    assert before
    outcome = session.turn()
    if isinstance(outcome, Proposed):
        outcome = session.turn(Decision(proposal=outcome.proposal))
    assert plain(outcome.report) == plain(whole)
    steps = [step for step, _ in session.calls()]
    assert len(steps) == len(set(steps))
    assert session.calls()[: len(before)] == before


class Killed(BaseException):
    """Stand for a kill."""


def finished(session):
    """Let a session go on from wherever it is to its report."""
    outcome = session.turn()
    while isinstance(outcome, Proposed):
        outcome = session.turn(Decision(proposal=outcome.proposal))
    return outcome.report


def test_a_kill_between_what_a_step_wrote_and_its_checkpoint_loses_nothing(tmp_path, place, monkeypatch):
    from langgraph.checkpoint.sqlite import SqliteSaver

    put = SqliteSaver.put
    left = [0]

    def dies(self, *checkpoint):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return put(self, *checkpoint)

    monkeypatch.setattr(SqliteSaver, "put", dies)
    whole = plain(finished(Session(tmp_path, place, "whole")))
    for kill in range(1, -left[0] + 1):
        session = Session(tmp_path, place, f"killed-{kill}")
        left[0] = kill
        with pytest.raises(Killed):
            finished(session)
        assert plain(finished(session)) == whole
        steps = [step for step, _ in session.calls()]
        assert len(steps) == len(set(steps))


def test_one_analyst_that_fails_does_not_fail_the_session_and_is_repeated_alone(session, monkeypatch):
    answer = Extractive.answer

    def fail(self, brief, analyst, *rest):
        if analyst["id"] == "findings":
            raise RuntimeError("the abacus broke")
        return answer(self, brief, analyst, *rest)

    monkeypatch.setattr(Extractive, "answer", fail)
    report = session.finish()
    assert "findings" not in [section.analyst for section in report.sections]
    assert any("the abacus broke" in sentence for sentence in report.limitations)
    failed = [status for _, status in session.recorder.updates if status.get("failed")]
    assert [status["analyst"] for status in failed] == ["findings"]
    before = session.calls()
    monkeypatch.setattr(Extractive, "answer", answer)
    repeated = session.turn().report
    assert "findings" in [section.analyst for section in repeated.sections]
    assert not any("abacus" in sentence for sentence in repeated.limitations)
    later = [step for step, _ in session.calls()[len(before) :]]
    assert {step.split("/")[0] for step in later} <= {
        "findings", "write_report", "write_introduction", "write_conclusion",
    }  # fmt: skip


def test_only_if_all_analysts_fail_the_session_fails_with_the_cause_of_each(session, monkeypatch):
    def fail(self, brief, analyst, *rest):
        raise RuntimeError(f"no {analyst['id']}")

    answer = Extractive.answer
    monkeypatch.setattr(Extractive, "answer", fail)
    proposed = session.propose()
    with pytest.raises(ResearcherFailed, match=r"no what-it-is.*no findings.*no how-it-works"):
        session.turn(Decision(proposal=proposed.proposal))
    monkeypatch.setattr(Extractive, "answer", answer)
    assert isinstance(session.turn(), Finished)


def test_a_cancel_ends_the_session_at_its_next_step(session):
    proposed = session.propose()

    def cancel(message, status):
        if status["step"] == "GENERATE_ANSWER":
            session.control.cancel()

    session.recorder.on_status = cancel
    with pytest.raises(SessionCancelled):
        session.turn(Decision(proposal=proposed.proposal))
    assert not any(step.startswith("write_report") for step, _ in session.calls())


def test_nothing_relevant_is_said_and_nothing_is_invented(tmp_path, place):
    session = Session(tmp_path, place, topic="quantum chromodynamics of baryons")
    proposed = session.propose()
    assert "Nothing" in proposed.question
    report = session.turn(Decision(proposal=proposed.proposal)).report
    assert quotes(report) == []
    assert report.sources == ()
    assert "Nothing about the topic was found in the library." in report.limitations
    text = " ".join(claim.text for claim in report.claims())
    assert "nothing was found" in text


@pytest.mark.parametrize("content", [None, b"\x00\x01\x02 no text"])
def test_a_library_without_a_readable_document_is_refused_with_lines_to_copy(tmp_path, content):
    folder = tmp_path / "empty"
    folder.mkdir()
    if content is not None:
        (folder / "broken.pdf").write_bytes(content)
    session = Session(tmp_path, Place(root=folder, folder=folder))
    with pytest.raises(NoDocuments) as raised:
        session.turn()
    for line in ("--source papers/", "--source example", "--model"):
        assert line in str(raised.value)
    assert ("broken.pdf" in str(raised.value)) is (content is not None)


def test_a_document_that_cannot_be_read_is_named_and_the_rest_is_used(session):
    (session.place.folder / "broken.pdf").write_bytes(b"this is no PDF")
    report = session.finish()
    assert any(sentence.startswith("broken.pdf could not be read") for sentence in report.limitations)
    assert report.made["failed"] == ["broken.pdf"]
    assert quotes(report)


def test_documents_in_another_language_are_counted_as_a_limitation(session):
    german = (
        "Die Mühle steht an der Mündung, und der Teich füllt sich mit der Flut. Das Wasser ist das, was "
        "die Mühle dreht, und sie steht nicht still, wenn es auf den Abend zu geht.\n"
    )
    (session.place.root / "muehle.md").write_text(german * 3, encoding="utf-8")
    named = [one for one in session.finish().limitations if "German" in one]
    assert len(named) == 1 and named[0].startswith("1 document is in German: ")


def test_progress_has_a_total_from_the_first_file_on_and_never_goes_back(session):
    session.finish()
    updates = session.recorder.updates
    counted = [status for _, status in updates if "total" in status]
    assert [message for message, status in updates if "total" not in status] == ["Looking for documents"]
    assert updates[1][0] == "3 files to read in this folder"
    assert updates[1][1]["done"] == 0
    assert all(0 <= status["done"] <= status["total"] for status in counted)
    done = [status["done"] for status in counted]
    assert done == sorted(done)
    assert counted[-1]["done"] == counted[-1]["total"]
    for name in ("what-it-is", "findings", "how-it-works"):
        own = [status for _, status in updates if status.get("analyst") == name]
        amounts = [status["analyst_done"] for status in own]
        assert amounts == sorted(amounts)
        assert own[-1]["analyst_done"] == own[-1]["analyst_total"]
    assert all(message and status["step_number"] >= 1 for message, status in updates)


def test_every_step_is_said_and_they_first_come_in_the_order_of_the_reference(session):
    session.finish()
    said = [status["step"] for _, status in session.recorder.updates]
    assert tuple(dict.fromkeys(said)) == STEPS


def test_whoever_waits_for_a_decision_has_been_told_what_is_proposed(session):
    session.propose()
    message, status = session.recorder.updates[-1]
    assert status["step"] == "HUMAN_FEEDBACK"
    assert message == "3 analysts proposed: What it is, Findings and numbers, How it works"
    session.turn(Decision(feedback="No numbers please, but add caveats"))
    assert session.recorder.updates[-1][0].endswith("What it is, How it works, Caveats and disagreement")


def found_by_searches(session):
    """Give how many documents the recorded searches of a session have found."""
    with Ledger(session.folder / "ledger.sqlite", session.name) as ledger:
        return len({hit["document"] for hits in ledger.answers("search") for hit in hits})


def test_the_sources_found_so_far_are_counted_each_once(session):
    session.finish()
    counts = [status["usage"]["sources"] for _, status in session.recorder.updates if "usage" in status]
    assert counts == sorted(counts)
    # Of three documents, the one about bread fits no question.
    assert counts[-1] == found_by_searches(session) == 2


def test_a_resumed_session_goes_on_counting_sources_where_it_was(session):
    proposed = session.propose()
    before = found_by_searches(session)
    assert before
    session.recorder.updates.clear()
    session.turn(Decision(proposal=proposed.proposal))
    assert session.recorder.updates[0][1]["usage"]["sources"] >= before


def test_amounts_are_said_in_the_number_that_they_have(session):
    session.finish()
    said = " | ".join(message for message, _ in session.recorder.updates)
    assert "sentences found" in said
    assert not re.search(r"\b1 (sentences|passages|documents|quotes|sources)\b", said)


def test_analysts_work_at_the_same_time(session, monkeypatch):
    meeting = threading.Barrier(3, timeout=30)
    answer = Extractive.answer

    def meet(self, brief, analyst, question, hits, turns):
        if not turns:
            meeting.wait()
        return answer(self, brief, analyst, question, hits, turns)

    monkeypatch.setattr(Extractive, "answer", meet)
    assert quotes(session.finish())


def test_at_a_budget_the_session_ends_in_order_and_says_so(tmp_path, place):
    session = Session(tmp_path, place, turns=5, budget={"calls": 6})
    report = session.finish()
    assert any("The budget of 6 calls was used up" in sentence for sentence in report.limitations)
    assert not any("turn-5" in step for step, _ in session.calls())


@pytest.mark.parametrize(
    ("budget", "unit"), [({"calls": 1}, "1 calls"), ({"seconds": 0.001}, "0.001 seconds")]
)
def test_a_budget_that_was_passed_is_named_where_no_interview_had_to_end_early(tmp_path, place, budget, unit):
    report = Session(tmp_path, place, turns=1, budget=budget).finish()
    assert [one for one in report.limitations if "budget" in one] == [f"The budget of {unit} was used up."]


def test_the_report_says_how_it_was_made(session):
    made = session.finish().made
    assert made["model"] == "extractive"
    assert made["files"] == made["documents"] == 3
    assert made["corpus_hash"].startswith("sha256:")
    assert made["calls"] > 0 and made["searches"] > 0
    assert made["version"]


@pytest.mark.parametrize(
    "options",
    [
        {"analysts": 0}, {"analysts": 11}, {"analysts": True}, {"analysts": "3"}, {"turns": 0}, {"turns": 6},
        {"turns": 2.0}, {"model": "nobody"}, {"model": 3}, {"sources": "papers"}, {"sources": [3]},
        {"sources": [""]},
        {"sources": ["nowhere/at-all"]}, {"sources": ["../"]}, {"local_only": 1}, {"budget": {"beers": 3}},
        {"budget": {"calls": 0}}, {"budget": {"calls": "3"}}, {"budget": [1]}, {"colour": "red"},
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused_with_a_sentence(tmp_path, place, options):
    with pytest.raises(InvalidRequest) as raised:
        Analysts(indexes=tmp_path).check(options, place)
    assert str(raised.value).endswith(".")


def test_options_get_their_defaults(tmp_path, place):
    assert Analysts(indexes=tmp_path).check({"analysts": None, "sources": ["mill.md"]}, place) == {
        "analysts": 3,
        "turns": 2,
        "sources": ["mill.md"],
        "model": "extractive",
        "local_only": False,
        "budget": {},
    }


@pytest.mark.parametrize(
    "proposal",
    [
        None, [], {}, {"analysts": []}, {"analysts": [{}]}, {"analysts": [{"name": " "}]}, {"analysts": [3]},
        {"analysts": [{"name": "A"}] * 11}, {"analysts": [{"name": "A", "age": 4}]},
        {"analysts": [{"name": "A"}], "more": 1}, {"analysts": [{"name": "A", "role": 3}]},
        {"analysts": [{"id": "x", "name": "A"}, {"id": "x", "name": "B"}]},
        {"analysts": [{"name": "A" * 2001}]},
    ],
)  # fmt: skip
def test_a_proposal_that_cannot_be_is_refused(tmp_path, proposal):
    with pytest.raises(InvalidRequest):
        Analysts(indexes=tmp_path).check_proposal(proposal)


def test_analysts_without_an_id_get_one_each(tmp_path):
    team = Analysts(indexes=tmp_path).check_proposal(
        {"analysts": [{"name": "A"}, {"id": "b", "name": "B"}, {"name": "C"}]}
    )
    ids = [analyst["id"] for analyst in team["analysts"]]
    assert len(set(ids)) == 3 and ids[1] == "b" and all(ids)


def test_a_source_that_was_not_cited_or_is_a_path_is_not_given(session):
    session.finish()
    for wrong in ("nobody", "../ledger", "", "a/b", "d" * 300):
        assert session.researcher.source_text(session.folder, wrong) is None


def test_the_cited_text_stays_as_it_was_when_the_file_changes(session):
    report = session.finish()
    citation = quotes(report)[0]
    for path in session.place.folder.iterdir():
        path.write_text("Gone.", encoding="utf-8")
    _, text = session.researcher.source_text(session.folder, citation.source)
    assert text[citation.start : citation.end] == citation.quote


def test_the_fingerprint_changes_with_the_files(session):
    before = session.researcher.fingerprint(session.options, session.place, "local")
    assert before == session.researcher.fingerprint(session.options, session.place, "local")
    (session.place.folder / "bread.txt").write_text("Cake.", encoding="utf-8")
    assert session.researcher.fingerprint(session.options, session.place, "local") != before


def test_importing_the_researcher_takes_no_graph_and_no_parser():
    code = (
        "import sys, jupyter_research.analysts\n"
        "heavy = ('langgraph', 'langchain', 'pypdf', 'selectolax', 'docx', 'nbformat', 'pydantic')\n"
        "found = [name for name in sys.modules if name.split('.')[0].startswith(heavy)]\n"
        "assert not found, found"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)
