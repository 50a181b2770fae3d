"""Let sessions think with a chat model: a real LangChain client over HTTP to a scripted server."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from test_analysts import PAPERS, TOPIC, Session, quotes

from jupyter_research.analysts import Analysts, Brief
from jupyter_research.analysts.options import Options
from jupyter_research.analysts.thinking import Thinking
from jupyter_research.errors import InvalidRequest, NoKey, ResearcherFailed
from jupyter_research.ledger import Ledger
from jupyter_research.models.keys import Keys
from jupyter_research.report import Verdict
from jupyter_research.testing.chat import ChatServer, Reply, Scholar
from jupyter_research.work import Decision, Finished, Place

KEY = "sk-only-for-the-provider"
#: A dollar a thousand tokens, so that caps are round.
PRICE = {"input": 1000.0, "output": 1000.0}


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    for name, text in PAPERS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Place(root=folder, folder=folder)


def thinking(server, *, provider="openai", caps=None, **fields):
    base = f"{server.url}/v1" if provider == "openai" else server.url
    key = None if provider == "ollama" else "scripted"
    entry = {"model": f"{provider}:scripted", "base_url": base, "key": key, **fields}
    keys = Keys(None, {"SCRIPTED_API_KEY": KEY})
    return Thinking(configured={"writer": entry}, caps=caps or {}, keys=keys)


class ChatSession(Session):
    """Run a session whose model is a scripted server."""

    def __init__(self, tmp_path, place, server, *, name="session", caps=None, fields=None, **options):
        self.server = server
        mind = thinking(server, caps=caps, **(fields or {}))
        researcher = Analysts(indexes=tmp_path / "indexes", thinking=mind)
        super().__init__(tmp_path, place, name, researcher=researcher, model="writer", **options)

    @property
    def ledger(self):
        return Ledger(self.folder / "ledger.sqlite", self.name)

    def said(self):
        return [message for message, _ in self.recorder.updates]


@pytest.fixture
def make(tmp_path, place):
    """Make a session whose model answers as told; `first` are its first replies."""
    servers = []

    def made(answer=None, first=(), **options):
        server = ChatServer(answer, first=first).__enter__()
        servers.append(server)
        return ChatSession(tmp_path, place, server, **options)

    yield made
    for server in servers:
        server.__exit__(None, None, None)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "provider, streaming",
    [
        ("openai", False),
        *(pytest.param(*ways, marks=SLOW) for ways in [("openai", True), ("anthropic", False)]),
        *(pytest.param(*ways, marks=SLOW) for ways in [("anthropic", True), ("ollama", True)]),
        *(pytest.param("google_genai", streaming, marks=SLOW) for streaming in (False, True)),
    ],
)
def test_a_model_writes_a_report_whose_citations_are_in_the_files(make, provider, streaming):
    session = make(fields={"provider": provider, "streaming": streaming})
    report = session.finish()
    assert report.title == TOPIC
    assert report.made["model"] == "writer"
    assert quotes(report)
    for citation in quotes(report):
        _, text = session.researcher.source_text(session.folder, citation.source)
        assert text[citation.start : citation.end] == citation.quote
    asked = session.server.asked
    assert {one.protocol for one in asked} == {provider.removesuffix("_genai")}
    assert {one.title for one in asked} >= {"Team", "Question", "Query", "Claims", "Section", "Body"}
    assert {one.key for one in asked} == ({KEY} if provider != "ollama" else {""})
    assert report.usage["calls"] == len(asked)
    assert report.usage["tokens"] > 0
    assert "money" not in report.usage


def test_what_a_session_will_take_and_where_texts_go_is_said_before_it_begins(make):
    proposed = make(fields={"price": PRICE}).propose()
    estimate = proposed.detail["estimate"]
    assert estimate["model"] == "writer" and estimate["chosen"] == "asked for"
    assert estimate["calls"][0] < estimate["calls"][1]
    assert estimate["money"][0] < estimate["money"][1]
    assert estimate["sentence"] in proposed.question
    assert "Nothing leaves this machine" in proposed.question


def test_nothing_goes_to_a_model_that_a_notebook_chose_before_the_approval(tmp_path, place):
    notebook = place.folder / "from-somebody.ipynb"
    notebook.write_text(json.dumps({"metadata": {"jupyter_research": {"model": "writer"}}}))
    with ChatServer() as server:
        researcher = Analysts(indexes=tmp_path / "indexes", thinking=thinking(server))
        session = Session(tmp_path, replace(place, notebook=notebook), researcher=researcher, turns=1)
        assert session.options["model_from"] == "chosen in this notebook"
        proposed = session.propose()
        assert "writer (chosen in this notebook)" in proposed.question
        assert server.asked == []
        report = session.turn(Decision(proposal=proposed.proposal)).report
        assert server.asked and report.made["model"] == "writer"


def test_providers_whose_key_is_there_are_listed_with_whether_they_answer():
    with ChatServer() as server:
        environment = {
            "OPENAI_BASE_URL": f"{server.url}/v1",
            "GOOGLE_GEMINI_BASE_URL": server.url,
            "OLLAMA_HOST": "127.0.0.1:9",
        }
        keys = Keys(None, {"OPENAI_API_KEY": KEY, "GEMINI_API_KEY": KEY})
        mind = Thinking(environment=environment, keys=keys)
        found = {one["name"]: one for one in mind.describe("local", guest=False, check=True)}
    assert list(found) == ["extractive", "openai:NAME", "google_genai:NAME", "ollama:NAME"]
    assert found["openai:NAME"]["answers"] == found["google_genai:NAME"]["answers"] == "answers"
    assert "the key comes from the variable GEMINI_API_KEY" in found["google_genai:NAME"]["description"]
    assert found["ollama:NAME"]["answers"] == "gives no answer (ConnectError)"
    assert [one["name"] for one in mind.describe("local", guest=False)] == ["extractive"]
    assert [one["name"] for one in mind.describe("guest", guest=True, check=True)] == ["extractive"]


def test_address_of_a_provider_that_is_none_keeps_no_other_from_the_list():
    with ChatServer() as server:
        environment = {"OPENAI_BASE_URL": f"{server.url}/v1", "OLLAMA_HOST": "localhost:port"}
        mind = Thinking(environment=environment, keys=Keys(None, {"OPENAI_API_KEY": KEY}))
        found = mind.describe("local", guest=False, check=True)
    assert [one["name"] for one in found] == ["extractive", "openai:NAME"]


def test_key_that_no_header_takes_is_named_before_a_session_begins(place):
    keys = Keys(None, {"OPENAI_API_KEY": "sk-copied-from-a-page’"})
    mind = Thinking(
        configured={"writer": "openai:gpt"}, environment={"OLLAMA_HOST": "127.0.0.1:9"}, keys=keys
    )
    with pytest.raises(NoKey, match=r"openai \(the variable OPENAI_API_KEY\) holds a sign") as refusal:
        mind.settle(Options.from_json({"model": "writer"}), place, local_only=False)
    assert "copied" not in str(refusal.value)
    found = {one["name"]: one for one in mind.describe("local", guest=False, check=True)}
    assert found["writer"]["answers"] == str(refusal.value)


def test_calls_lie_within_the_estimate(make):
    session = make()
    estimate = session.propose().detail["estimate"]
    session.turn(Decision(proposal=session.propose().proposal))
    assert estimate["calls"][0] <= len(session.server.asked) <= estimate["calls"][1]


def test_analysts_are_used_as_a_person_has_edited_them(make):
    session = make()
    proposal = session.propose().proposal
    team = [{**proposal["analysts"][0], "name": "The miller's wife", "description": "Knows about bread"}]
    report = session.turn(Decision(proposal={"analysts": team})).report
    assert report.made["analysts"] == ["The miller's wife"]
    asked = [one for one in session.server.asked if one.title == "Question"]
    assert asked and all("The miller's wife" in one.text and "Knows about bread" in one.text for one in asked)


def test_an_interview_ends_when_a_turn_brings_nothing_new(make):
    session = make(turns=5, analysts=1)
    session.finish()
    assert [one.title for one in session.server.asked].count("Question") == 2


BAD = {
    "prose": Reply(text="I think that mills are lovely."),
    "broken JSON": Reply(text='{"analysts": [{"name": "A'),
    "nothing": Reply(text=""),
    "a refusal": Reply(refusal="I cannot help with that."),
    "another form": Reply(data={"people": 3}),
    "too long": Reply(text='{"analysts": [', finish="length"),
    "too deep": Reply(text='{"analysts": ' * 2_000 + "1" + "}" * 2_000),
}


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("bad", list(BAD))
def test_a_bad_answer_is_asked_for_once_more_with_the_error(make, bad, streaming):
    session = make(first=[BAD[bad]], fields={"streaming": streaming})
    proposed = session.propose()
    assert [one["name"] for one in proposed.proposal["analysts"]] == ["Basics", "Evidence", "Practice"]
    first, second = session.server.asked
    assert second.messages[: len(first.messages)] == first.messages
    assert "could not be used" in second.messages[-1][1]


@SLOW
@pytest.mark.parametrize(
    "title, bad",
    [
        ("Team", "a refusal"),
        ("Question", "nothing"),
        ("Query", "prose"),
        ("Section", "another form"),
        ("Body", "broken JSON"),
        *(("Claims", bad) for bad in BAD),
    ],
)
def test_a_model_that_stays_bad_at_one_thing_neither_ends_the_session_nor_goes_unmentioned(make, title, bad):
    session = make(Scholar(**{title: BAD[bad]}), analysts=3, turns=1)
    report = session.finish()
    said = "refused" if bad == "a refusal" else "could not be used"
    assert any(said in sentence for sentence in report.limitations)
    assert not any("failed" in (status or {}) for _, status in session.recorder.updates)


@SLOW
@pytest.mark.parametrize("provider", ["openai", "anthropic", "google_genai", "ollama"])
def test_a_model_that_only_refuses_ends_in_a_report_that_says_so(make, provider):
    session = make(lambda asked: Reply(refusal="No."), fields={"provider": provider}, turns=1)
    report = session.finish()
    assert any("request" in sentence and "refused" in sentence for sentence in report.limitations) or any(
        "could not be used" in sentence for sentence in report.limitations
    )


@SLOW
def test_ten_analysts_instead_of_three_are_sent_back_and_then_cut(make):
    members = [
        {"name": f"Analyst {number}", "role": "", "affiliation": "", "description": "Looks"}
        for number in range(10)
    ]
    session = make(Scholar(Team=Reply(data={"analysts": members})))
    report = session.finish()
    assert "10 analysts where 3 were asked for" in session.server.asked[1].messages[-1][1]
    assert len(report.made["analysts"]) == 3
    assert any("7 analysts beyond the number asked for" in sentence for sentence in report.limitations)


def test_what_several_sections_say_in_the_same_words_stands_once(make):
    report = make(turns=1).finish()
    texts = [claim.text for section in report.sections[1:-1] for claim in section.claims]
    assert texts and len(texts) == len(set(texts))
    assert any("say the same in the same words" in sentence for sentence in report.limitations)


def test_an_id_that_no_passage_has_is_removed_and_counted(make):
    def invents(asked):
        reply = Scholar()(asked)
        reply.data["claims"][0]["passages"].append("p99")
        return reply

    report = make(Scholar(Claims=invents), analysts=1, turns=1).finish()
    assert any("1 citation named a passage that does not exist" in one for one in report.limitations)


@pytest.mark.parametrize("form", ["in its text", "in the body"])
def test_half_a_character_in_an_answer_is_no_end_of_it(make, form):
    # Small models write halves of emojis; the one way JSON escapes it twice, the other once.
    def halved(asked):
        data = Scholar()(asked).data
        data["claims"][0]["text"] = "The wheel turns \ud83d in the mill."
        text = json.dumps(data) if form == "in its text" else json.dumps(data, ensure_ascii=False)
        return Reply(text=text)

    report = make(Scholar(Claims=halved, Section=Reply(text="no")), analysts=1, turns=1).finish()
    assert not any(" failed" in sentence for sentence in report.limitations)
    assert any("The wheel turns" in claim.text for claim in report.claims())
    json.dumps(report.to_json(), ensure_ascii=False).encode()


def test_a_claim_that_its_passage_lacks_is_sent_back_once_with_the_passage(make):
    def invents(asked):
        reply = Scholar()(asked)
        reply.data["claims"][0]["text"] = "The wheel turned for 77 hours at Greenwich."
        return reply

    session = make(Scholar(Section=invents), analysts=1, turns=1)
    report = session.finish()
    repairs = [one for one in session.server.asked if one.title == "Repairs"]
    assert repairs and all("77" in one.text and "Greenwich" in one.text for one in repairs)
    assert not any("77" in claim.text for claim in report.claims())


def test_a_claim_that_stays_wrong_is_marked(make):
    def invents(asked):
        reply = Scholar()(asked)
        claims = reply.data["claims"]
        claims[0]["text"] = "The wheel turned for 77 hours."
        return reply

    report = make(Scholar(Section=invents, Repairs=invents), analysts=1, turns=1).finish()
    wrong = [claim for claim in report.claims() if "77" in claim.text]
    assert wrong and all(claim.verdict is Verdict.TERMS_MISSING for claim in wrong)


def test_a_resume_asks_for_nothing_twice(make):
    session = make(Scholar(Section=Reply(status=400)), analysts=1, turns=2)
    with pytest.raises(ResearcherFailed, match="status 400"):
        session.finish()
    before = len(session.server.asked)
    session.server.answer = Scholar()
    outcome = session.turn()
    assert isinstance(outcome, Finished)
    requests = [(one.title, one.messages) for one in session.server.asked]
    # The one that failed is asked for again, and nothing else.
    assert len(set(requests)) == len(requests) - 1
    assert len(requests) > before
    with session.ledger as ledger:
        assert ledger.counts()["model"] == len(requests) - 1


@SLOW
@pytest.mark.parametrize("provider", ["openai", "anthropic", "google_genai", "ollama"])
def test_a_model_on_this_machine_is_not_reached_through_a_proxy(make, monkeypatch, provider):
    with ChatServer() as spy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_PROXY", "ANTHROPIC_PROXY"):
            monkeypatch.setenv(name, spy.url)
            monkeypatch.setenv(name.lower(), spy.url)
        session = make(fields={"provider": provider})
        session.propose()
        assert session.server.asked and spy.asked == []


@SLOW
@pytest.mark.parametrize("provider", ["openai", "anthropic", "google_genai", "ollama"])
def test_no_variable_of_the_process_sends_texts_or_other_keys_elsewhere(make, monkeypatch, provider):
    with ChatServer() as spy:
        for name in (
            "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL",
            "GOOGLE_GEMINI_BASE_URL", "OLLAMA_HOST",
        ):  # fmt: skip
            monkeypatch.setenv(name, spy.url)
        others = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OLLAMA_API_KEY")
        for name in (*others, "ANTHROPIC_AUTH_TOKEN", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID"):
            monkeypatch.setenv(name, "of-somebody-else")
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        session = make(fields={"provider": provider})
        session.propose()
        assert session.server.asked and spy.asked == []
        assert all("of-somebody-else" not in str(one.headers) for one in session.server.asked)


@SLOW
def test_tracing_of_somebodys_environment_stays_off(make, monkeypatch):
    with ChatServer() as spy:
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", spy.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", "any")
        make(analysts=1, turns=1).finish()
        assert spy.asked == []


class BriefSession(ChatSession):
    """Run a session of the researcher that calls once."""

    def __init__(self, tmp_path, place, server, **options):
        super().__init__(tmp_path, place, server, **options)
        self.researcher = Brief(indexes=tmp_path / "indexes", thinking=thinking(server))
        self.recorder.approval = lambda question, proposal: self.asked_for.append(question)
        self.asked_for = []


def test_a_brief_is_written_in_one_call_and_checked_by_the_same_code(tmp_path, place):
    with ChatServer() as server:
        session = BriefSession(tmp_path, place, server)
        report = session.turn().report
        assert [one.title for one in server.asked] == ["Report"]
        assert "It will take 1 to" in session.asked_for[0]
        assert [section.heading for section in report.sections] == ["Introduction", "Findings", "Conclusion"]
        assert quotes(report)
        assert {claim.verdict for claim in report.claims() if claim.citations} == {Verdict.VERBATIM}
        again = session.turn().report
        assert len(server.asked) == 1 and again.sections == report.sections


def test_a_brief_has_the_headings_that_its_model_writes(tmp_path, place):
    def german(asked):
        data = Scholar()(asked).data
        data["introduction"]["heading"], data["conclusion"]["heading"] = "Einleitung", "Fazit"
        data["sections"][0]["heading"] = "Befunde"
        return Reply(data=data)

    with ChatServer(german) as server:
        report = BriefSession(tmp_path, place, server).turn().report
    assert [section.heading for section in report.sections] == ["Einleitung", "Befunde", "Fazit"]
    assert "a heading in the language of the topic" in server.asked[0].text


def test_a_brief_needs_a_chat_model(tmp_path, place):
    with pytest.raises(InvalidRequest, match="name one with `--model"):
        Brief(indexes=tmp_path / "indexes").check({}, place)
