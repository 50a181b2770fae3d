"""Start sessions from the browser where the kernel cannot: on a server that takes a password alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from jupyter_server.auth.security import passwd
from playwright.sync_api import Page, expect

from .lab import Lab, Notebook, wait_for
from .test_coming_back import LOAD, MIME, card_of, expect_live, saved_output

PASSWORD = "a password of tests"
LAB = {
    "other": {
        "IdentityProvider": {"token": ""},
        "PasswordIdentityProvider": {"hashed_password": passwd(PASSWORD, "sha1")},
    }
}


@pytest.fixture
def logged_in(page: Page, lab: Lab) -> Page:
    """Log in by the server's own page."""
    page.goto(f"{lab.url}login")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/lab*")
    return page


def test_the_start_button_starts_on_the_click_alone_and_what_it_started_is_kept(
    logged_in: Page, open_notebook: Callable[..., Notebook]
) -> None:
    page, posts = logged_in, []
    page.on("request", lambda request: request.method == "POST" and posts.append(request.url))
    notebook = open_notebook(LOAD, "%research --researcher steps started by hand")
    notebook.run_all()
    card = card_of(page)
    expect(card).to_have_attribute("data-state", "new")
    assert not [url for url in posts if "research/api" in url]
    card.get_by_role("button", name="Start").click()
    expect_live(card, "completed")
    assert [url.rpartition("/")[2].partition("?")[0] for url in posts if "research/api" in url] == [
        "sessions"
    ]
    wait_for(
        lambda: notebook.save() or "session_id" in saved_output(notebook).get(MIME, {}),
        "the session in the file",
    )
    assert "text/html" in saved_output(notebook)
    session_id = card.get_attribute("data-session-id")
    notebook.reload()
    expect_live(card_of(page), "completed")
    expect(card_of(page)).to_have_attribute("data-session-id", str(session_id))
