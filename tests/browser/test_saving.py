"""Put sessions and reports into the notebook's file, or leave it alone where somebody wants that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cancelled import TOPIC, leave
from playwright.sync_api import Page, expect

from .lab import Lab, Notebook, wait_for
from .test_coming_back import (
    LOAD,
    card_of,
    expect_live,
    saved_data,
    saved_output,
    slow,
    without_kernel,
    written,
)

FROM_US = {"jupyter_research": {"generated": True}}


def cells_of(notebook: Notebook, count: int) -> list[dict[str, Any]]:
    """Give the cells of the file, once there are so many."""
    found: list[dict[str, Any]] = wait_for(
        lambda: notebook.save() or ((cells := notebook.saved()["cells"])[count - 1 :] and cells),
        "the cells in the file",
    )
    return found


def test_what_a_cancelled_session_had_found_is_put_below_its_card(page: Page, lab: Lab) -> None:
    lab.stop()
    leave(lab.folder / "research", lab.root / "tides.md")
    lab.start()
    (session,) = lab.ask("GET", "research/api/sessions")["sessions"]
    assert (session["topic"], session["state"]) == (TOPIC, "cancelled")
    without_kernel(page)
    notebook = Notebook(page, lab, written(lab, "part.ipynb", saved_data(lab, session["session_id"])))
    notebook.reload()
    card = card_of(page)
    card.get_by_role("button", name="Show what was found").click()
    insert = card.get_by_role("button", name="Insert below as cells")
    insert.click()
    drawn = page.locator(".jp-MarkdownCell .jp-RenderedMarkdown")
    expect(drawn.filter(has_text="This is a partial report").first).to_be_visible()
    first = cells_of(notebook, 3)
    assert {cell["cell_type"] for cell in first[1:]} == {"markdown"}
    # So that no later session takes them for somebody's own words.
    assert all(cell["metadata"] == FROM_US for cell in first[1:])
    insert.click()
    twice = cells_of(notebook, 2 * len(first) - 1)
    assert len({cell["id"] for cell in twice}) == len(twice)


def test_a_notebook_is_not_saved_where_the_setting_is_off(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    settings = lab.folder / "settings" / "jupyter-research-lab"
    settings.mkdir(exist_ok=True)
    file = settings / "renderer.jupyterlab-settings"
    file.write_text(json.dumps({"saveOnDisplay": False}))
    gate = tmp_path / "gate"
    saves: list[str] = []
    page.on("request", lambda request: request.method == "PUT" and saves.append(request.url))
    try:
        notebook = open_notebook(LOAD, slow(gate, "unsaved"), name="unsaved.ipynb")
        notebook.run_all()
        expect_live(card_of(page), "researching")
        page.wait_for_timeout(1000)  # Longer than the page takes to save where it may.
        assert not [url for url in saves if "unsaved.ipynb" in url]
        assert saved_output(notebook) == {}
    finally:
        file.unlink()
        gate.touch()
