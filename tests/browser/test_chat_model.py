"""Let a chat model write in JupyterLab: what the card says before, meanwhile and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_research.testing import FakeWeb
from jupyter_research.testing.chat import Asked, ChatServer, Reply, Scholar

from .harness import axe
from .lab import OPEN_DOCUMENT, Lab, Notebook, wait_for

TOPIC = "how does the tide mill keep its wheel turning?"
PAPER = (
    "# The tide mill\n\nThe mill pond fills through a sluice gate when the tide comes in. "
    "When the tide falls, the stored water leaves the pond and turns the wheel of the tide mill.\n"
)
FALSE = "In 1997 the tide mill of Rotterdam turned its wheel for 12 hours."
MODEL = "openai:gpt-4o-mini"
BUSY = Reply(status=429, headers={"Retry-After": "6"}, error=("Slow down.", "rate_limit_exceeded"))


@dataclass
class Writer:
    """Answer as a scholar who says one thing that no passage has, and stays with it."""

    scholar: Scholar = field(default_factory=Scholar)
    #: Whether everybody is told to come back later.
    busy: bool = False

    def __call__(self, asked: Asked) -> Reply:
        if self.busy:
            return BUSY
        data = self.scholar(asked).data
        if asked.title == "Section":
            data["claims"].append({"text": FALSE, "passages": ["p1"]})
        return Reply(data=[] if asked.title == "Repairs" else data, delay=0.2)


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, writer: Writer) -> Iterator[Lab]:
    """Run JupyterLab beside a chat model whose price is known, and the services of the web."""
    with FakeWeb() as web, ChatServer(writer) as chat, running(tmp_path_factory, web, chat) as lab:
        yield lab


@contextmanager
def running(folders: pytest.TempPathFactory, web: FakeWeb, chat: ChatServer) -> Iterator[Lab]:
    """Run a server that knows both."""
    price = {"input": 15.0, "output": 60.0}
    config: dict[str, Any] = {
        "models": {MODEL: {"model": MODEL, "base_url": f"{chat.url}/v1", "price": price}},
        "source_addresses": web.addresses,
        "private_hosts": [web.host],
    }
    made = Lab(folders.mktemp("lab"), config=config)
    made.prepare()
    (made.root / "mill.md").write_text(PAPER)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_a_model_is_approved_metered_and_checked(
    page: Page,
    lab: Lab,
    writer: Writer,
    open_notebook: Callable[..., Notebook],
    picture: Callable[[Page | Locator, str], None],
) -> None:
    asked = f"--model {MODEL} --budget 0.50 --analysts 2 --turns 1 --source mill.md --source crossref --ask"
    notebook = open_notebook("%load_ext jupyter_research", f"%research {asked} {TOPIC}")
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    question = card.locator(".jr-question")
    expect(question).to_contain_text("will be sent to Crossref")
    expect(question).to_contain_text(f"The model is {MODEL} (asked for). Nothing leaves this machine for it.")
    expect(question).to_contain_text("It will take 12 to 14 calls")
    expect(card.locator(".jr-usage")).to_contain_text("1 % of the budget of $0.50")
    picture(card, "chat-model/approval")

    # Until it has been seen: a slow page may miss a single one.
    writer.busy = True
    card.get_by_role("button", name="Approve").click()
    expect(card.locator(".jr-waiting")).to_contain_text("rate limit")
    writer.busy = False
    expect(card.locator(".jr-usage")).to_contain_text("% of the budget")
    expect(card.locator(".jr-meter")).to_be_visible()
    picture(card, "chat-model/waiting")
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-waiting")).to_be_hidden()

    report = card.locator(".jr-report")
    claim = report.locator(".jr-claim", has_text=FALSE).first
    expect(claim.locator(".jr-flag")).to_have_text("terms missing: 1997, 12, Rotterdam")
    expect(report.locator(".jr-sources .jr-retracted")).to_have_text("retracted")
    expect(report.locator(".jr-limitations")).to_contain_text("was retracted")
    mark = report.get_by_role("button", name="Tide mills that never stop").first
    mark.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("retracted")
    expect(page.get_by_role("tooltip")).to_contain_text("https://doi.org/10.5555/mill.3")
    mark.click()
    link = report.locator(".jr-passage").get_by_role("link")
    expect(link).to_have_attribute("href", "https://doi.org/10.5555/mill.3")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert axe(page, ".jr-session") == []
    picture(page, "chat-model/report")


def test_a_cap_ends_with_what_there_is_and_a_local_session_says_what_its_guard_saw(
    page: Page, open_notebook: Callable[..., Notebook]
) -> None:
    asked = f"--model {MODEL} --budget 0.04 --local-only --analysts 2 --turns 1 --source mill.md --yes"
    open_notebook("%load_ext jupyter_research", f"%research {asked} {TOPIC}", name="cap.ipynb").run_all()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-limitations")).to_contain_text("The budget")
    expect(card.locator(".jr-guard")).to_have_text("Python-level guard: 0 connections refused")
    expect(card.locator(".jr-usage")).to_contain_text("local only")


def toast(page: Page, words: str) -> Locator:
    """Find a notification; it may have hidden itself by now, and is kept in the centre of notifications."""
    centre = page.locator(".jp-Notification-List")
    if not centre.is_visible():
        page.evaluate("void window.jupyterapp.commands.execute('apputils:display-notifications')")
    return centre.get_by_text(words)


def test_a_model_in_the_settings_of_jupyterlab_is_the_one_that_a_cell_uses_and_the_card_says_why(
    page: Page,
    lab: Lab,
    open_notebook: Callable[..., Notebook],
    picture: Callable[[Page | Locator, str], None],
) -> None:
    asked = f"%research --ask --analysts 2 --turns 1 --source mill.md {TOPIC}"
    notebook = open_notebook("%load_ext jupyter_research", asked, name="settings.ipynb")
    page.evaluate("void window.jupyterapp.commands.execute('settingeditor:open', {query: 'Research'})")
    field = page.locator("input[id$='renderer_model']")
    field.fill("no such model")
    expect(toast(page, "Your model for research stays as it was: There is no model")).to_be_visible()
    field.fill(MODEL)
    wait_for(lambda: lab.ask("GET", "research/api/defaults") == {"model": MODEL}, "the choice")
    expect(toast(page, f"Your model for research: {MODEL}")).to_be_visible()
    picture(page, "settings")

    page.evaluate(OPEN_DOCUMENT, notebook.name)
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    why = f"The model is {MODEL} (your default)."
    expect(card.locator(".jr-question")).to_contain_text(why)
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-usage")).to_contain_text(MODEL)
