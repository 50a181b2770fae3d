"""Show a session where there is no labextension: an anywidget that the kernel feeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from .lab import Notebook

LAB = {"labextension": False}


def test_without_the_labextension_a_widget_follows_and_goes_live(
    page: Page, open_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    line = f"%research --researcher slow --set until={json.dumps(str(gate))} what is this?"
    notebook = open_notebook("%load_ext jupyter_research", line)
    notebook.run_all()
    # The output itself says the same as text and stays in the file; the widget is what lives.
    card = page.locator("section.jr-session")
    expect(card).to_have_count(1)
    expect(card).to_have_attribute("data-state", "researching")
    card.get_by_role("button", name="Pause").click()
    expect(card).to_have_attribute("data-state", "paused")
    card.get_by_role("button", name="Resume").click()
    expect(card).to_have_attribute("data-state", "researching")
    gate.touch()
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-report")).to_contain_text("This was slow.")


def test_a_plan_is_approved_in_the_widget(page: Page, open_notebook: Callable[..., Notebook]) -> None:
    notebook = open_notebook("%load_ext jupyter_research", "%research --researcher asks what is this?")
    notebook.run_all()
    card = page.locator("section.jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    card.get_by_label("Proposal, as JSON").fill('{"sections": ["Only this"]}')
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.get_by_role("heading", name="Only this")).to_be_visible()
