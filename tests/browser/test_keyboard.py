"""Go the whole way from the cell to a quoted passage without a pointer, in JupyterLab."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .lab import Lab, Notebook
from .test_coming_back import LOAD, card_of, expect_live

FOCUSED = """() => {
  const node = document.activeElement;
  const outline = node.matches(':focus-visible') && getComputedStyle(node).outlineStyle;
  return [node.closest('.jr-output') ? node.ariaLabel ?? node.textContent : null, outline];
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until that of the card has the focus, which shows."""
    way = []
    for _ in range(60):
        page.keyboard.press("Tab")
        label, outline = page.evaluate(FOCUSED)
        way.append(label)
        if label is not None and label.startswith(name):
            assert outline not in (False, "none"), label
            return
    raise AssertionError(f"{name} is not on the way: {way}")


def test_a_team_is_changed_and_approved_and_a_passage_read_by_the_keyboard_alone(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook]
) -> None:
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    notebook = open_notebook(LOAD, "%research --ask --source note.md what causes the tide?")
    notebook.run_all()
    card = card_of(page)
    expect_live(card, "awaiting_approval")
    expect(card.locator(".jr-rows")).to_be_visible()
    page.wait_for_function("document.querySelectorAll('.jp-InputPrompt')[1].textContent.includes('2')")

    tab_to(page, "Name")
    page.keyboard.press("Control+A")
    page.keyboard.type("Forces dd x")  # Letters that are JupyterLab's shortcuts elsewhere.
    tab_to(page, "Approve")
    page.keyboard.press("Enter")
    expect_live(card, "completed")
    # The report is fetched once it is known to be there; until then it is not on the way.
    expect(card.locator(".jr-cite").first).to_be_visible()
    tab_to(page, "Citation 1")
    expect(page.locator(".jr-peek")).to_be_visible()
    expect(page.locator(".jr-peek")).to_contain_text("gravity of the moon")
    page.keyboard.press("Escape")
    expect(page.locator(".jr-peek")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(card.locator(".jr-passage mark")).to_have_text("The tide is caused by the gravity of the moon.")
    tab_to(page, "Ask a further question")
    page.keyboard.type("what has gravity?")
    page.keyboard.press("Enter")
    expect(card.locator(".jr-further .jr-report")).to_be_visible()
    # Nothing of it reached the notebook.
    expect(page.locator(".jp-Cell")).to_have_count(2)
