"""Look at the card in each of its states: axe-core does, and people do by the pictures.

The log and the report are those of a session that ran on the documentation.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_research.client.local import LocalClient

from .harness import Card, axe
from .lab import DEADLINE, ROOT

TOPIC = "How does a Jupyter server keep its users apart?"
AS_OF = "2026-11-22T14:02:00Z"
WIDTHS = (400, 900)
TOOK_MINUTES = 4
DATE = re.compile(r"\d\d:\d\d")

#: Who else can be at work.
MORE = ("History", "Costs", "The law", "Risks and failure modes, in depth", "Practice", "People", "Outlook")

Event = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """Hold what a session said, and what came out."""

    events: list[Event]
    report: dict[str, Any]
    text: str

    def until(self, part: float) -> list[Event]:
        """Give the log up to that part of the way."""
        enough = next(
            event for event in self.events if (event["done"] or 0) > part * self.events[-2]["total"]
        )
        return self.events[: enough["seq"] - 1]

    def then(self, part: float, kind: str, **detail: Any) -> list[Event]:
        """Give the log up to there, and an end of that kind."""
        before = self.until(part)
        event = {**before[-1], "seq": len(before) + 1, "kind": kind, "message": None, "step": None}
        return [*before, {**event, "done": None, "total": None, "detail": detail}]


def course(folder: Path, analysts: int) -> Course:
    """Run a session of so many analysts to its end."""
    client = LocalClient.over(folder)
    try:
        options = {"sources": [str(ROOT / "docs")], "analysts": analysts}
        started = client.start({"topic": TOPIC, "options": options, "approve": "ask"})
        session_id = started["session_id"]
        waits(client, session_id, "awaiting_approval")
        asked = client.get(session_id)
        team = asked["proposal"]["analysts"]
        more = [{"id": name.lower(), "name": name, "role": "", "description": TOPIC} for name in MORE]
        client.approve(session_id, asked["version"], {"analysts": [*team, *more][:analysts]})
        waits(client, session_id, "completed")
        events = client.events(session_id, 0, 1000)[0]
        report = json.loads(client.report(session_id))
        return Course(
            stretched(events), report, client.source(session_id, report["sources"][0]["id"])["text"]
        )
    finally:
        client.close()


def waits(client: LocalClient, session_id: str, state: str) -> None:
    """Wait for a state."""
    end = time.monotonic() + DEADLINE
    while client.get(session_id)["state"] != state:
        assert time.monotonic() < end, client.get(session_id)
        time.sleep(0.02)


def stretched(events: list[Event]) -> list[Event]:
    """Let the session take minutes, as with a chat model, and the same ones in each run."""
    step = TOOK_MINUTES * 60 / len(events)

    def at(seq: int) -> str:
        minutes, seconds = divmod(int(seq * step), 60)
        return f"2026-11-22T14:{minutes:02}:{seconds:02}.250Z"

    usage = {"sources": 21, "calls": 18, "searches": 6, "tokens": 42_180, "money": 0.1273}
    told = [{**event, "time": at(event["seq"])} for event in events]
    for event in told:
        if event["kind"] == "status_update" and "analyst" in event["detail"]:
            event["detail"] = {**event["detail"], "usage": usage}
    return told


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Run a session of three."""
    return course(tmp_path_factory.mktemp("few"), 3)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Run a session of ten."""
    return course(tmp_path_factory.mktemp("many"), 10)


def one_is_done(events: list[Event]) -> bool:
    """Tell whether an analyst has come to an end."""
    details = [event["detail"] for event in events]
    return any(
        detail["analyst_done"] == detail["analyst_total"] for detail in details if detail.get("analyst_total")
    )


def states(few: Course, many: Course) -> dict[str, tuple[list[Event], dict[str, Any]]]:
    """Give a log and a model for each state."""
    asked = next(event["seq"] for event in few.events if event["kind"] == "approval_requested")
    lost = {"link": "lost", "asOf": AS_OF}
    stopped = {"link": "stopped", "asOf": AS_OF}
    failed = {
        "code": "no_documents",
        "cause": "No readable document was found in drafts/: name others with --source.",
    }
    cancelled = {
        "state": "cancelled",
        "report_available": False,
        "limitations": ["The session was cancelled."],
    }
    # Some analysts are done, and others are not.
    midway = next(part for part in (0.7, 0.75, 0.8, 0.85, 0.9, 0.95) if one_is_done(few.until(part)))
    return {
        "queued": (few.events[:1], {}),
        "planning": (few.events[: asked - 2], {}),
        "approval": (few.events[:asked], {}),
        "researching": (few.until(0.65), {}),
        "ten-analysts": (many.until(0.6), {}),
        "paused": (few.then(0.6, "research_paused", state="paused", reason="asked for", attempt=1), {}),
        "interrupted": (few.then(0.6, "research_interrupted", state="interrupted", attempt=1), {}),
        "failed": (few.then(0.2, "research_failed", state="failed", **failed), {}),
        "connection-lost": (few.until(0.65), lost),
        "server-gone": (few.until(0.65), stopped),
        "cancelled": (few.then(midway, "research_cancelled", **cancelled), {}),
        "completed": (few.events, {}),
    }


@pytest.mark.parametrize("theme", ["light", "dark", "dark-high-contrast"])
def test_axe_finds_nothing_in_any_state(
    card: Card, few: Course, many: Course, theme: str, picture: Callable[[Page | Locator, str], None]
) -> None:
    card.wear(theme)
    card.page.emulate_media(reduced_motion="reduce")
    card.give(report=few.report, text=few.text)
    for name, (events, model) in states(few, many).items():
        card.draw(events, **model)
        if name == "completed":
            expect(card.node.locator(".jr-report")).to_be_visible()
        for width in WIDTHS:
            card.page.set_viewport_size({"width": width, "height": 760})
            assert card.page.evaluate("document.documentElement.scrollWidth") <= width
            # A report is longer than anybody wants a picture to be.
            shown = card.page if name == "completed" else card.node
            picture(shown, f"card/{width}/{name}-{theme}")
        assert axe(card.page, ".jr-session") == []
    card.node.locator(".jr-trail summary").click()
    card.node.locator(".jr-cite").first.click()
    expect(card.node.locator(".jr-passage mark")).to_be_visible()
    assert axe(card.page, ".jr-session") == []
    picture(card.page, f"card/900/passage-{theme}")
    card.page.emulate_media(media="print")
    for hidden in (".jr-downloads", ".jr-trail", ".jr-actions"):
        expect(card.node.locator(hidden)).to_be_hidden()
    picture(card.page, f"card/print-{theme}")


#: Names of formats are the same in every language.
NAMES = {"Markdown", "HTML", "PDF", "Word", "Notebook", "BibTeX"}

WORDS = """() => {
  const root = document.querySelector('.jr-session');
  const texts = [];
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) texts.push(walk.currentNode.data);
  for (const node of root.querySelectorAll('*'))
    for (const name of ['aria-label', 'title', 'placeholder']) texts.push(node.getAttribute(name) ?? '');
  return texts.map(text => text.trim()).filter(text => /[A-Za-z]{2}/.test(text));
}"""


def test_every_word_of_the_card_can_be_translated(card: Card, few: Course, many: Course) -> None:
    card.give(report=few.report, text=few.text, foreign=True)
    for name, (events, model) in states(few, many).items():
        card.draw(events, **model)
        if name == "approval":
            expect(card.node.locator(".jr-rows")).to_be_visible()
        if name == "completed":
            expect(card.node.locator(".jr-report")).to_be_visible()
            card.node.locator(".jr-trail summary").click()
        said = json.dumps([few.events, many.events, events, few.report, model], ensure_ascii=False).replace(
            "_", " "
        )
        said = said.replace('\\"', '"').lower()
        mute = {
            text
            for text in card.page.evaluate(WORDS)
            if "‹" not in text and text.removeprefix("✓ ").lower() not in said and text not in NAMES
        }
        assert {text for text in mute if not DATE.search(text)} == set(), name
