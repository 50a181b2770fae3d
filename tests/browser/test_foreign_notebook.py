"""Open a notebook of somebody else's whose outputs claim to be sessions, and try to do harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
from playwright.sync_api import Page, expect

from .lab import BASE_URL, Lab, Notebook

MIME = "application/vnd.jupyter-research.session+json"

EVIL = '<img src=x onerror="window.owned = 1"><script>window.owned = 1</script>'

#: What an id may try to be, if it is put into an address unseen.
IDS = [
    "../../../api/shutdown",
    "../../api/contents?x=",
    "%2e%2e/%2e%2e/api/kernels",
    "a/cancel",
    EVIL,
    "0" * 32,
]


def claims(session_id: str) -> dict[str, Any]:
    snapshot = {
        "session_id": session_id, "topic": EVIL, "state": "researching", "owner": EVIL, "researcher": EVIL,
        "options": {}, "version": 1, "proposal": {"analysts": [{"id": EVIL, "name": EVIL}]},
        "analysts": [{"id": EVIL, "name": EVIL, "role": EVIL, "state": EVIL, "done": 1, "total": "x"}],
        "done": 1, "total": 2, "step": EVIL, "message": EVIL, "last_seq": 3, "created": EVIL, "updated": EVIL,
        "usage": {EVIL: EVIL}, "error": {"code": EVIL, "message": EVIL}, "limitations": [EVIL],
        "notebook": EVIL, "attempt": 1, "report_available": True, "viewers": 0,
    }  # fmt: skip
    return {"schema": 1, "session_id": session_id, "snapshot": snapshot, "as_of": EVIL, "where": "server"}


def write(lab: Lab, name: str) -> None:
    """Write a notebook with an output for each claim, and some that are no session at all."""
    starts = {"schema": 1, "start": {"topic": EVIL, "options": {"sources": ["/"]}}}
    broken = [{}, {"schema": 1}, {"schema": 1, "session_id": {}, "snapshot": []}, {"schema": 99}, starts]
    document = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("1")
    for data in [*map(claims, IDS), *broken]:
        output = nbformat.v4.new_output("display_data", {MIME: data, "text/plain": "a session"})
        cell.outputs.append(output)
    document.cells.append(cell)
    nbformat.write(document, Path(lab.root / name))


def test_output_that_claims_to_be_a_session_runs_nothing_and_commands_nothing(page: Page, lab: Lab) -> None:
    write(lab, "foreign.ipynb")
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    # Without a kernel, which it does not name: a saved output needs none.
    Notebook(page, lab, "foreign.ipynb").reload()
    cards = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(cards.last).to_be_visible()
    expect(cards.first).to_contain_text("<script>")
    # What cannot be a session is asked for and not found.
    expect(page.locator(".jp-OutputArea .jr-output .jr-session[data-link='gone']").first).to_be_visible()
    assert page.evaluate("window.owned") is None
    assert cards.locator("img, script").count() == 0
    api = f"{BASE_URL}research/api"
    ours = [(verb, urlsplit(url).path) for verb, url in asked if "research/api" in unquote(url)]
    assert all(verb == "GET" and path.startswith(api) and ".." not in unquote(path) for verb, path in ours)
    assert not [url for _, url in asked if "shutdown" in url]
    assert lab.ask("GET", "research/api/sessions")["sessions"] == []
