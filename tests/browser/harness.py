"""Drive a page that shows one card and has no server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from .lab import ROOT

LABEXTENSION = ROOT / "labextension"
THEMES = Path(sys.prefix) / "share" / "jupyter" / "lab" / "themes" / "@jupyterlab"
AXE = LABEXTENSION / "node_modules" / "axe-core" / "axe.min.js"

#: Rules about whole pages, which a card is not.
OF_PAGES = ("region", "page-has-heading-one", "landmark-one-main")


def bundled() -> str:
    """Bundle the card with the harness around it."""
    command = ["node_modules/.bin/esbuild", "test/harness.ts", "--bundle", "--log-level=warning"]
    done = subprocess.run(command, cwd=LABEXTENSION, capture_output=True, text=True, check=True)
    return done.stdout


def axe(page: Page, selector: str) -> list[str]:
    """Give what axe-core finds there against WCAG and good practice, one line each."""
    if not page.evaluate("typeof axe === 'object'"):
        page.add_script_tag(path=AXE)
    found: list[str] = page.evaluate(
        """async ([selector, off]) => {
          const rules = Object.fromEntries(off.map(rule => [rule, {enabled: false}]));
          const {violations} = await axe.run(selector, {rules});
          return violations.flatMap(({id, nodes}) =>
            nodes.map(node => `${id}: ${node.html} ${node.failureSummary}`));
        }""",
        [selector, OF_PAGES],
    )
    return found


class Card:
    """Drive a page that shows one card."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.node: Locator = page.locator(".jr-session")

    def draw(self, log: Any, **model: Any) -> None:
        """Draw what these events come to."""
        events = getattr(log, "events", log)
        self.page.evaluate("([events, model]) => harness.draw(events, model)", [events, model])
        expect(self.node).to_have_attribute("data-seq", str(len(events)))

    def calls(self) -> list[Any]:
        """Give the commands that were sent."""
        calls: list[Any] = self.page.evaluate("harness.calls")
        return calls

    def refuse(self, sentence: str) -> None:
        """Let the server refuse from now on."""
        self.page.evaluate("sentence => { harness.refusal = sentence }", sentence)

    def give(self, **answers: Any) -> None:
        """Let the server answer with this report, and this text of each source."""
        self.page.evaluate("answers => Object.assign(harness, answers)", answers)

    def wear(self, theme: str) -> None:
        """Put on a theme of JupyterLab."""
        style = THEMES / f"theme-{theme}-extension" / "index.css"
        self.page.add_style_tag(content=style.read_text())
        self.page.add_style_tag(content="body { background: var(--jp-layout-color0) }")
        name = theme.replace("-", " ").title()
        self.page.evaluate("name => { document.body.dataset.jpThemeName = `JupyterLab ${name}` }", name)

    def button(self, name: str) -> Locator:
        """Find a button by its exact name."""
        return self.node.get_by_role("button", name=name, exact=True)
