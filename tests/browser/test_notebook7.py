"""Show sessions in Notebook 7, which loads the same labextension."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .lab import Notebook

LAB = {"app": "notebook"}


def test_a_session_is_approved_and_comes_back_after_a_reload(
    page: Page, open_notebook: Callable[..., Notebook]
) -> None:
    notebook = open_notebook("%load_ext jupyter_research", "%research --researcher asks what is this?")
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-state", "completed")
    notebook.save()
    notebook.reload()
    again = page.locator(".jp-OutputArea .jr-session")
    expect(again).to_have_count(1)
    expect(again).to_have_attribute("data-link", "live")
    expect(again.get_by_role("heading", name="Why")).to_be_visible()
