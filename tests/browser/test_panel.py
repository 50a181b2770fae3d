"""Work with sessions beside the notebook: the side panel, its tabs, and the notice of a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .lab import TOKEN, Lab, Notebook


@pytest.fixture
def panel(page: Page, lab: Lab) -> Locator:
    """Open JupyterLab with the panel in front."""
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    found = page.locator(".jr-panel")
    expect(found).to_be_visible()
    return found


def test_a_session_is_started_in_the_panel_and_opens_in_a_tab(
    page: Page, panel: Locator, picture: Callable[[Page | Locator, str], None]
) -> None:
    panel.get_by_label("What do you want to know?").fill("what causes the tide?")
    panel.get_by_label("Folders, files or libraries; empty for this folder").fill("note.md")
    panel.get_by_role("button", name="Start").click()
    card = page.locator(".jr-tab .jr-session")
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-report")).to_contain_text("gravity of the moon")
    row = panel.get_by_role("listitem").filter(has_text="what causes the tide?")
    expect(row).to_contain_text("Completed")
    picture(page, "panel")


def test_the_panel_refuses_with_the_servers_sentence(panel: Locator) -> None:
    panel.get_by_label("What do you want to know?").fill("anything")
    panel.get_by_label("Folders, files or libraries; empty for this folder").fill("/etc/passwd")
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_role("alert")).to_contain_text("does not exist or may not be read")


def test_the_panel_follows_what_works_and_finds_it(
    page: Page, lab: Lab, panel: Locator, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    body = {"topic": "slow work", "researcher": "slow", "options": {"until": str(gate)}}
    lab.ask("POST", "research/api/sessions", body)
    lab.ask("POST", "research/api/sessions", {"topic": "another", "researcher": "steps"})
    row = panel.get_by_role("listitem").filter(has_text="slow work")
    expect(row).to_contain_text("Researching")
    panel.get_by_label("Find by topic or state").fill("researching slow")
    expect(panel.get_by_role("listitem")).to_have_count(1)
    row.get_by_role("button").click()
    expect(page.locator(".jr-tab .jr-session")).to_have_attribute("data-link", "live")
    page.evaluate("window.jupyterapp.commands.execute('running:show-panel')")
    running = page.get_by_role("region", name="Research Sessions Section")
    expect(running.get_by_text("slow work")).to_be_visible()
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    gate.touch()
    panel.get_by_label("Find by topic or state").fill("slow")
    expect(row).to_contain_text("Completed")


def test_a_report_that_nobody_sees_come_is_announced(
    page: Page, open_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    line = f"%research --researcher slow --set until={json.dumps(str(gate))} out of sight"
    notebook = open_notebook("%load_ext jupyter_research", line)
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-session")
    expect(card).to_have_attribute("data-state", "researching")
    page.evaluate("window.jupyterapp.commands.execute('launcher:create')")
    expect(card).to_be_hidden()
    gate.touch()
    notice = page.get_by_text("Your report is ready: out of sight")
    expect(notice).to_be_visible()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(".jr-tab .jr-session")).to_have_attribute("data-state", "completed")


def test_the_panel_of_a_forgotten_page_asks_no_more_until_somebody_is_back(page: Page, lab: Lab) -> None:
    page.clock.install()
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    expect(page.locator(".jr-panel")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "research/api" in request.url else None)
    page.clock.run_for(60_000)
    assert asked
    page.clock.run_for(10 * 60_000)
    asked.clear()
    page.clock.run_for(5 * 60_000)
    assert not asked
    with page.expect_request(lambda request: "research/api/sessions" in request.url):
        page.locator(".jr-panel").click()
