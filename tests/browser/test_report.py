"""Open exported HTML from a file in a real browser: point at numbers, and let hostile texts try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from reports import hostile_report, plain_report, prose_report

from jupyter_research.export import export
from jupyter_research.report import Report

from .lab import DEADLINE, ROOT

REPORTS = {"plain": plain_report(), "hostile": hostile_report(), "prose": prose_report()}
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Give a window whose policy lets tests add a script, as no page of ours could."""
    context = browser.new_context(viewport={"width": 900, "height": 700}, bypass_csp=True)
    yield context
    context.close()


def show(context: BrowserContext, report: Report, folder: Path) -> Page:
    """Write the report to a file and open that."""
    path = folder / "report.html"
    path.write_bytes(export(report, "html"))
    page = context.new_page()
    page.set_default_timeout(DEADLINE * 1000)
    page.goto(path.as_uri())
    return page


def test_pointing_at_a_number_shows_the_passage_and_its_place(
    context: BrowserContext, tmp_path: Path
) -> None:
    page = show(context, plain_report(), tmp_path)
    cite = page.locator(".cite").first
    passage = cite.locator(".pop")
    expect(passage).to_be_hidden()
    cite.locator("a").hover()
    expect(passage).to_be_visible()
    expect(passage).to_contain_text("Tokens are stored as hashes.")
    expect(passage).to_contain_text("Security {in} depth, p.\u00a03")
    expect(passage).to_be_in_viewport(ratio=1)


def test_the_keyboard_reaches_every_passage(context: BrowserContext, tmp_path: Path) -> None:
    page = show(context, plain_report(), tmp_path)
    for number in range(page.locator(".cite").count()):
        page.keyboard.press("Tab")
        expect(page.locator(".cite").nth(number).locator(".pop")).to_be_visible()


def test_a_number_leads_to_its_source(context: BrowserContext, tmp_path: Path) -> None:
    page = show(context, plain_report(), tmp_path)
    page.locator(".cite a").nth(1).click()
    expect(page.locator("#source-2")).to_be_in_viewport()


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_wider_than_the_window(
    context: BrowserContext, tmp_path: Path, name: str, width: int
) -> None:
    page = show(context, REPORTS[name], tmp_path)
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_runs_nothing_and_asks_for_nothing(browser: Browser, tmp_path: Path, name: str) -> None:
    context = browser.new_context()
    noticed: list[Any] = []
    context.on("dialog", lambda dialog: noticed.append(dialog.message))
    context.on("console", lambda message: noticed.append(message.text))
    context.on("request", lambda request: noticed.append(request.url))
    page = show(context, REPORTS[name], tmp_path)
    page.wait_for_load_state("networkidle")
    context.close()
    assert noticed == [(tmp_path / "report.html").as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", REPORTS)
def test_axe_finds_nothing(context: BrowserContext, tmp_path: Path, name: str, scheme: Any) -> None:
    page = show(context, REPORTS[name], tmp_path)
    page.emulate_media(color_scheme=scheme)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run().then(result => result.violations.map(one => `${one.id}: ${one.help}`))")
    assert found == []
