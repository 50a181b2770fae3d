"""Share a server: somebody else's notebook shows what it saved, and nothing of the session."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .lab import DEADLINE, TOKEN, Lab, Notebook
from .test_coming_back import card_of, saved_data, started, written

#: The page carries the server's own token beside the cookie, so that one belongs to nobody.
LAB = {
    "server": {"identity_provider_class": "jupyter_research.testing.TokenIdentityProvider"},
    "other": {
        "TokenIdentityProvider": {"token": "of-nobody", "tokens": {TOKEN: "alice", "token-of-bob": "bob"}}
    },
}


def test_another_persons_notebook_shows_its_snapshot_and_says_why(page: Page, lab: Lab) -> None:
    session_id = started(lab, "asks")
    name = written(lab, "alices.ipynb", saved_data(lab, session_id))
    Notebook(page, lab, name).reload()
    expect(card_of(page)).to_have_attribute("data-link", "live")

    context = page.context.browser.new_context()
    context.set_default_timeout(DEADLINE * 1000)
    bobs = context.new_page()
    answers: list[int] = []
    bobs.on("response", lambda answer: session_id in answer.url and answers.append(answer.status))
    Notebook(bobs, lab, name).reload("token-of-bob")
    card = card_of(bobs)
    expect(card).to_have_attribute("data-link", "gone")
    expect(card.get_by_text("it was deleted, or belongs to somebody else")).to_be_visible()
    expect(card.locator(".jr-topic")).to_have_text("from outside")
    expect(card.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(card.get_by_role("button", name="Approve")).to_be_hidden()
    assert 200 not in answers
    context.close()
