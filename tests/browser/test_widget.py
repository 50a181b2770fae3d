"""Show a session where there is no labextension: an anywidget that the kernel feeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from .lab import Lab, Notebook

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
    line = "%research --researcher asks what is this?"
    # With a kernel of its own: where an earlier page left widgets JupyterLab may lose what is pressed.
    open_notebook("%load_ext jupyter_research", line, name="plan.ipynb").run_all()
    card = page.locator("section.jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    card.get_by_label("Proposal, as JSON").fill('{"sections": ["Only this"]}')
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.get_by_role("heading", name="Only this")).to_be_visible()


def test_a_report_in_the_widget_offers_passages_questions_steps_and_downloads(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook]
) -> None:
    (lab.root / "note.md").write_text(
        "# Tides\n\nNobody knew. The tide is caused by the moon. It comes back.\n"
    )
    line = "%research --ask --analysts 1 --source note.md what causes the tide?"
    open_notebook("%load_ext jupyter_research", line, name="offers.ipynb").run_all()
    card = page.locator("section.jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-state", "completed")
    card.locator(".jr-report .jr-cite").first.click()
    expect(card.locator(".jr-passage")).to_contain_text("Nobody knew.")
    question = card.get_by_label("Ask a further question of these sources")
    question.fill("what is caused by the moon?")
    question.press("Enter")
    expect(card.locator(".jr-further .jr-report")).to_contain_text("caused by the moon")
    with page.expect_download() as download:
        card.get_by_role("button", name="Markdown").click()
    assert download.value.suggested_filename == "report.md"
    assert "caused by the moon" in download.value.path().read_text()
    card.locator(".jr-trail summary").click()
    # The first ones came before there was a widget: they are fetched.
    expect(card.locator(".jr-step").first).to_contain_text("Queued")
