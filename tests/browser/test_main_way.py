"""Go the whole way in JupyterLab: from a topic in a cell to a cited report, and back after a reload."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from .conftest import Lab, Notebook
from .test_coming_back import wait_for_first_save

TOPIC = "how does a Jupyter server keep its users apart?"
DOCS = Path(__file__).parent.parent.parent / "docs"

#: So many are proposed where nobody says how many.
ANALYSTS = 3

#: Note each value that each bar takes until the session ends.
BARS_UNTIL_THE_END = """() => new Promise(resolve => {
  const card = document.querySelector('.jp-OutputArea .jr-output .jr-session');
  const seen = {};
  const look = () => {
    for (const bar of card.querySelectorAll('[role=progressbar]')) {
      const values = (seen[bar.getAttribute('aria-label')] ??= []);
      const value = bar.getAttribute('aria-valuenow');
      if (values.at(-1) !== value) {
        values.push(value);
      }
    }
    card.dataset.state === 'completed' ? resolve(seen) : requestAnimationFrame(look);
  };
  look();
})"""


def test_a_topic_in_a_cell_becomes_a_cited_report(
    page: Page,
    lab: Lab,
    open_notebook: Callable[..., Notebook],
    picture: Callable[[Page | Locator, str], None],
) -> None:
    shutil.copytree(DOCS, lab.root / "library")
    notebook = open_notebook("%load_ext jupyter_research", f"%research --ask --source library {TOPIC}")
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_count(1)
    expect(card.locator(".jr-topic")).to_have_text(TOPIC)
    expect(card).to_have_attribute("data-state", "awaiting_approval")

    rows = card.get_by_role("list", name="Proposed analysts").get_by_role("listitem")
    # The form is loaded when a session first waits.
    expect(rows).to_have_count(ANALYSTS)
    picture(page, "approval")
    rows.nth(0).get_by_label("Name").fill("The lawyer")
    rows.last.get_by_role("button").click()
    # Watched from before the click: on a quiet machine the bars are full a second later.
    page.evaluate(f"() => {{ window.bars = ({BARS_UNTIL_THE_END.strip()})(); }}")
    card.get_by_role("button", name="Approve").click()

    lanes = card.get_by_role("list", name="Analysts", exact=True)
    picture(card, "researching")
    moved = page.evaluate("() => window.bars")
    assert any("The lawyer" in name for name in moved), moved
    assert max(len(values) for values in moved.values()) > 1, moved
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-usage")).to_contain_text("sources found")
    expect(lanes).to_be_hidden()
    report = card.locator(".jr-report")
    expect(report.get_by_role("heading", name="Sources")).to_be_visible()
    expect(report.locator(".jr-cite").first).to_be_visible()
    report.locator(".jr-cite").first.hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    picture(page, "report")
    session_id = card.get_attribute("data-session-id")

    exported = lab.ask("GET", f"research/api/sessions/{session_id}/output")["text/markdown"]
    assert f"*{report.locator('.jr-headline').inner_text()}*" in exported
    snapshot = lab.ask("GET", f"research/api/sessions/{session_id}")
    assert snapshot["analysts"][0]["name"] == "The lawyer"
    assert len(snapshot["analysts"]) == ANALYSTS - 1

    wait_for_first_save(notebook)
    notebook.save()
    notebook.reload()
    again = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(again).to_have_count(1)
    expect(again).to_have_attribute("data-session-id", str(session_id))
    expect(again.locator(".jr-report .jr-cite").first).to_be_visible()
