"""Show sessions in Notebook 7, which loads the same labextension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from .lab import TOKEN, Lab, Notebook, confirm, wait_for
from .test_coming_back import (
    card_of,
    expect_live,
    saved_data,
    saved_output,
    slow,
    start_slow,
    started,
    wait_for_first_save,
    without_kernel,
    written,
)

LAB = {"app": "notebook"}


def test_a_session_is_approved_and_comes_back_after_a_reload(
    page: Page, open_notebook: Callable[..., Notebook]
) -> None:
    notebook = open_notebook("%load_ext jupyter_research", "%research --researcher asks what is this?")
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-state", "completed")
    wait_for_first_save(notebook)
    notebook.save()
    notebook.reload()
    again = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(again).to_have_count(1)
    expect(again).to_have_attribute("data-link", "live")
    expect(again.get_by_role("heading", name="Why")).to_be_visible()


def test_a_notebook_of_the_day_before_gets_the_end_and_takes_the_report_as_cells(
    page: Page, lab: Lab, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    session_id = started(lab, "slow", until=str(gate))
    data = saved_data(lab, session_id)
    gate.touch()
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed", "the end")
    without_kernel(page)
    notebook = Notebook(page, lab, written(lab, "yesterday.ipynb", data))
    notebook.reload()
    card = card_of(page)
    expect_live(card, "completed")
    card.get_by_role("button", name="Insert below as cells").click()
    expect(page.locator(".jp-MarkdownCell").filter(has_text="This was slow.").first).to_be_visible()
    wait_for(
        lambda: notebook.save() or "This was slow." in "".join(saved_output(notebook).get("text/html", "")),
        "the end in the file",
    )


def test_two_windows_with_one_session_agree(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    notebook = open_notebook("%load_ext jupyter_research", slow(gate, "two windows"))
    card, session_id = start_slow(notebook, page)
    # A notebook has a window of its own here, where JupyterLab has a tab.
    window = page.context.new_page()
    without_kernel(window)
    Notebook(window, lab, written(lab, "other.ipynb", saved_data(lab, session_id))).reload()
    other = card_of(window)
    expect_live(other, "researching")
    other.get_by_role("button", name="Pause").click()
    expect_live(card, "paused")
    card.get_by_role("button", name="Resume").click()
    gate.touch()
    for one in (card, other):
        expect_live(one, "completed")


def test_the_panel_leads_to_the_cell_and_cancels(page: Page, lab: Lab, tmp_path: Path) -> None:
    session_id = started(lab, "slow", until=str(tmp_path / "never"))
    without_kernel(page)
    Notebook(page, lab, written(lab, "panel.ipynb", saved_data(lab, session_id), "1 + 1")).reload()
    card = card_of(page)
    expect_live(card, "researching")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    row = page.locator(".jr-panel").get_by_role("listitem").filter(has_text="from outside").first
    active = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    assert page.evaluate(active) == 0
    row.get_by_role("button").first.click()
    page.wait_for_function(f"{active} === 1")
    expect(card).to_be_visible()
    # No tab beside it shows the session too.
    expect(page.locator(".jr-session")).to_have_count(1)
    row.hover()
    cancel = row.get_by_role("button", name="Cancel", exact=True)
    confirm(cancel, row.get_by_role("button", name="Yes, cancel"))
    expect_live(card, "cancelled")


def test_a_session_that_no_cell_holds_opens_beside_the_notebook(page: Page, lab: Lab) -> None:
    for topic in ("seen first", "seen then"):
        lab.ask("POST", "research/api/sessions", {"topic": topic, "researcher": "steps"})
    without_kernel(page)
    Notebook(page, lab, lab.notebook("1 + 1", name="beside.ipynb")).reload()
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    rows = page.locator(".jr-panel").get_by_role("listitem")
    card = page.locator(".jr-tab .jr-session")
    for topic in ("seen first", "seen then"):
        rows.filter(has_text=topic).get_by_role("button").first.click()
        expect(card.locator(".jr-topic")).to_have_text(topic)
        expect(card.locator(".jr-report")).to_be_visible()
    # The second took the place of the first.
    expect(page.locator(".jr-tab")).to_have_count(1)


def test_what_works_stands_among_what_runs(page: Page, lab: Lab, tmp_path: Path) -> None:
    session_id = started(lab, "slow", until=str(tmp_path / "never"))
    page.goto(f"{lab.url}tree?token={TOKEN}")
    page.get_by_role("tab", name="Running").click()
    item = page.get_by_role("treeitem").filter(has_text="from outside")
    expect(item).to_be_visible()
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    expect(item).to_be_hidden()
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "cancelled", "the end")
