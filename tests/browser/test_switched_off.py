"""Where research is switched off, JupyterLab shows nothing of it, and the kernel says why."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .lab import Lab, Notebook

LAB = {"config": {"enabled": False}}


def test_page_of_a_server_without_research_has_nothing_of_it(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    notebook = open_notebook("%load_ext jupyter_research", "%research is anybody there?")
    notebook.run_all()
    output = page.locator(".jp-OutputArea").last
    expect(output).to_contain_text("Research is switched off on this server: ask its administrator.")
    assert page.evaluate("window.jupyterapp.commands.hasCommand('jupyter-research:open')") is False
    assert page.locator("[class*='jr-'], #jupyter-research-sessions").count() == 0
    assert not [url for url in asked if "research/api" in url]
    assert not (lab.folder / "research").exists()
