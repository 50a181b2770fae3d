"""Hold what a cell's output contains, for each kind of front end."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_research.events import Snapshot, initial
from jupyter_research.export import card
from jupyter_research.report import Citation, Claim, Report, Section, Source, Verdict


def snapshot(**more: Any) -> Snapshot:
    return {**initial("ab" * 16), "topic": "what <is> this?", "created": "2026-01-01T00:00:00.000Z", **more}


REPORT = Report(
    title="A <title>",
    sections=(
        Section(
            heading="What it is",
            claims=(
                Claim(
                    id="c1",
                    text="It is 1 < 2.",
                    verdict=Verdict.VERBATIM,
                    citations=(Citation(source="d1", start=0, end=4, quote='"It" & more'),),
                ),
                Claim(id="c2", text="Nobody said so."),
            ),
        ),
    ),
    sources=(Source(id="d1", number=1, kind="text", title="On <it>", path="it.txt"),),
    limitations=("One file was <empty>.",),
)


class Tags(HTMLParser):
    """Gather the tags of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_bundle_holds_the_session_for_the_labextension() -> None:
    now = snapshot(state="researching")
    shown = card.bundle(now, where="server")[card.MIME]
    assert shown.pop("as_of").endswith("Z")
    assert shown == {"schema": 1, "session_id": now["session_id"], "snapshot": now, "where": "server"}


def test_the_start_card_holds_the_request_alone() -> None:
    body = {"topic": "what <is> this?", "options": {}}
    shown = card.start_bundle(body)
    assert shown[card.MIME] == {"schema": 1, "start": body}
    assert "what <is> this?" in Tags(shown["text/html"]).text
    assert "press Start" in shown["text/plain"]


def test_markdown_stands_in_the_bundle_of_a_finished_session_only() -> None:
    assert "text/markdown" not in card.bundle(snapshot(), where="server")
    shown = card.bundle(snapshot(state="completed"), where="server", report=REPORT, markdown="# A")
    assert shown["text/markdown"] == "# A"


def test_texts_of_others_stay_text() -> None:
    now = snapshot(state="researching", message="<script>alert(1)</script>")
    before = Tags(card.bundle(now, where="server")["text/html"])
    assert "what <is> this?" in before.text
    assert "<script>alert(1)</script>" in before.text
    assert {tag for tag, _ in before.found} <= {"div", "p", "b", "br", "small"}
    page = Tags(card.bundle(snapshot(state="completed"), where="server", report=REPORT)["text/html"])
    assert {tag for tag, _ in page.found} <= {
        "div",
        "p",
        "b",
        "br",
        "h2",
        "h3",
        "ul",
        "li",
        "span",
        "small",
        "i",
    }
    for text in ("A <title>", "It is 1 < 2.", "On <it>", "One file was <empty>."):
        assert text in page.text


def test_missing_terms_of_others_stay_text() -> None:
    claim = replace(
        REPORT.sections[0].claims[0], verdict=Verdict.TERMS_MISSING, missing=("<img src=x onerror=alert(1)>",)
    )
    report = replace(REPORT, sections=(Section(heading="What", claims=(claim,)),))
    page = card.bundle(snapshot(state="completed"), where="server", report=report)["text/html"]
    assert "<img" not in page
    assert "! (not there: “&lt;img src=x onerror=alert(1)&gt;”)</span>" in page


def test_a_line_for_a_terminal_holds_nothing_that_a_terminal_obeys() -> None:
    line = card.line(
        snapshot(topic="what\x1b]0;is\x07\nit?", state="researching", message="now\x1b[2J\nthis")
    )
    assert line == "[abababab] researching: what]0;is it? (now[2J this)"


def test_the_page_says_state_and_place_in_the_log() -> None:
    page = Tags(card.bundle(snapshot(state="paused", last_seq=7), where="server")["text/html"])
    tag, attributes = page.found[0]
    assert (tag, attributes["class"]) == ("div", "jr-saved")
    assert attributes["data-session-id"] == "ab" * 16
    assert (attributes["data-state"], attributes["data-seq"]) == ("paused", "7")


def test_a_page_says_when_it_was_true_while_the_session_could_go_on() -> None:
    shown = card.bundle(snapshot(state="researching"), where="server")
    time = shown[card.MIME]["as_of"]
    assert f"As of {time[:10]} {time[11:16]} UTC; the session may have gone on." in shown["text/html"]
    for state in ("completed", "cancelled", "failed"):
        assert "may have gone on" not in card.bundle(snapshot(state=state), where="server")["text/html"]


def test_nbconvert_shows_the_last_state_of_a_session_that_nobody_saw_end(tmp_path: Path) -> None:
    analyst = {"id": "a1", "name": "Ada", "role": "Reader", "state": "working", "done": 1, "total": 4}
    shown = snapshot(state="researching", analysts=[analyst], done=3, total=12, message="reading")
    output = nbformat.v4.new_output("display_data", card.bundle(shown, where="server"))
    cell = nbformat.v4.new_code_cell("%research what", outputs=[output])
    path = tmp_path / "saved.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    for words in (
        "what &lt;is&gt; this?",
        "researching, 3 of 12: reading",
        "Ada, Reader: working",
        "may have gone on",
    ):
        assert words in page
    assert page.count("<progress") == 2


def test_the_session_and_each_analyst_have_a_bar() -> None:
    analyst = {"id": "a1", "name": "Ada", "role": "Reader", "state": "working", "done": 1, "total": 4}
    now = snapshot(state="researching", done=3, total=12, analysts=[analyst])
    bars = [
        attributes
        for tag, attributes in Tags(card.bundle(now, where="server")["text/html"]).found
        if tag == "progress"
    ]
    assert [(bar["value"], bar["max"], bar["role"]) for bar in bars] == [
        ("3", "12", "progressbar"),
        ("1", "4", "progressbar"),
    ]


def test_a_claim_shows_its_source_its_quote_and_its_doubt() -> None:
    page = Tags(card.bundle(snapshot(state="completed"), where="server", report=REPORT)["text/html"])
    titles = [attributes.get("title") for tag, attributes in page.found if tag == "span"]
    assert '“"It" & more”' in titles
    assert "cites nothing" in titles
    assert "It is 1 < 2. [1] ✓" in page.text
    assert "Nobody said so. ○" in page.text
    assert "[1] On <it>, it.txt" in page.text


def test_quotes_stand_in_a_list() -> None:
    cited = (Citation(source="d1", start=0, end=9, quote="It is so."),)
    claim = Claim(id="c1", text="It is so.", verdict=Verdict.VERBATIM, citations=cited)
    report = replace(REPORT, sections=(Section(heading="Quotes", claims=(claim, claim)),), limitations=())
    page = Tags(card.bundle(snapshot(state="completed"), where="server", report=report)["text/html"])
    assert [tag for tag, _ in page.found].count("li") == 2
    assert "“It is so.” [1] ✓" in page.text


def test_a_text_that_is_no_claims_is_shown_as_it_is() -> None:
    report = replace(REPORT, sections=(), markdown="# Own\n\n<b>words</b>")
    page = Tags(card.bundle(snapshot(state="completed"), where="server", report=report)["text/html"])
    assert "# Own\n\n<b>words</b>" in page.text


def test_work_in_the_kernel_is_never_silent_while_it_lasts() -> None:
    during = card.bundle(snapshot(state="researching"), where="kernel")
    assert card.IN_KERNEL in during["text/plain"]
    assert card.IN_KERNEL in during["text/html"]
    after = card.bundle(snapshot(state="completed"), where="kernel")
    assert card.IN_KERNEL not in str(after)
    assert card.IN_KERNEL not in str(card.bundle(snapshot(state="researching"), where="server"))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"state": "queued"}, "queued: what <is> this?"),
        (
            {"state": "researching", "done": 2, "total": 5, "message": "Reading."},
            "researching, 2 of 5: what <is> this? (Reading.)",
        ),
        (
            {"state": "awaiting_approval", "question": "Is it right?"},
            "awaiting approval: what <is> this? (Is it right?)",
        ),
        ({"state": "completed", "done": 5, "total": 5, "message": "Done."}, "completed: what <is> this?"),
        (
            {"state": "failed", "error": {"code": "x", "message": "No file."}},
            "failed: what <is> this? (No file.)",
        ),
        ({"state": "queued", "topic": "two\nlines"}, "queued: two lines"),
    ],
)
def test_one_line_says_how_far_a_session_is(more: dict[str, Any], line: str) -> None:
    assert card.line(snapshot(**more)) == f"[abababab] {line}"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-01-01T00:00:59.000Z", "just now"),
        ("2026-01-01T00:01:00.000Z", "1 minute ago"),
        ("2026-01-01T05:30:00.000Z", "5 hours ago"),
        ("2026-01-04T01:00:00.000Z", "3 days ago"),
    ],
)
def test_a_time_is_told_in_words(now: str, words: str) -> None:
    assert card.ago("2026-01-01T00:00:00.000Z", now) == words


def test_a_table_lists_sessions_or_says_that_there_are_none() -> None:
    page = Tags(card.table([snapshot(state="queued"), snapshot(state="failed")]))
    assert [tag for tag, _ in page.found].count("tr") == 3
    assert "what <is> this?" in page.text
    assert card.table([]) == "<p>There are no sessions yet.</p>"


def test_card_says_whose_session_it_is_on_a_server_that_knows_its_people() -> None:
    assert "Belongs to" not in card.bundle(snapshot(owner="local"), where="server")["text/html"]
    html = card.bundle(snapshot(owner="<alice>"), where="server")["text/html"]
    assert "Belongs to &lt;alice&gt;." in html
