"""Come back to a session: after reloads, restarts and losses the card shows what is true."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from .lab import Lab, Notebook, wait_for

MIME = "application/vnd.jupyter-research.session+json"
LOAD = "%load_ext jupyter_research"


def card_of(page: Page) -> Locator:
    return page.locator(".jp-OutputArea .jr-session")


def expect_live(card: Locator, state: str) -> None:
    expect(card).to_have_attribute("data-state", state)
    expect(card).to_have_attribute("data-link", "live")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Name the file whose appearance ends the work of the researcher `slow`."""
    return tmp_path / "gate"


def start_slow(notebook: Notebook, page: Page) -> tuple[Locator, str]:
    """Run the cells, and give the card and the id of its session once it works."""
    notebook.run_all()
    card = card_of(page)
    expect_live(card, "researching")
    return card, str(card.get_attribute("data-session-id"))


def saved_output(notebook: Notebook) -> dict[str, Any]:
    """Give the data of the card's output as the file has it."""
    outputs = [output for cell in notebook.saved()["cells"] for output in cell["outputs"]]
    return next((output["data"] for output in outputs if MIME in output.get("data", {})), {})


def written(lab: Lab, name: str, data: dict[str, Any]) -> str:
    """Write a notebook with this output, as somebody else's file."""
    document = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs.append(nbformat.v4.new_output("display_data", data))
    document.cells.append(cell)
    nbformat.write(document, lab.root / name)
    return name


def slow(gate: Path, topic: str) -> str:
    return f"%research --new --researcher slow --set until={json.dumps(str(gate))} {topic}"


def test_the_first_display_is_saved_and_comes_back_live_without_a_kernel(
    page: Page, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    notebook = open_notebook(LOAD, slow(gate, "first display"))
    _, session_id = start_slow(notebook, page)
    wait_for(lambda: saved_output(notebook), "the output in the file")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    notebook.reload()
    again = card_of(page)
    expect_live(again, "researching")
    expect(again).to_have_attribute("data-session-id", session_id)

    gate.touch()
    expect_live(again, "completed")
    expect(again.get_by_text("This was slow.")).to_be_visible()
    wait_for(
        lambda: notebook.save() or saved_output(notebook)[MIME]["snapshot"]["state"] == "completed",
        "the end in the file",
    )
    assert "This was slow." in "".join(saved_output(notebook)["text/markdown"])


def test_a_reload_with_a_busy_kernel_shows_the_session_live(
    page: Page, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    busy = "import time, pathlib\nwhile not pathlib.Path('free').exists(): time.sleep(0.1)"
    notebook = open_notebook(LOAD, slow(gate, "busy kernel"), busy)
    start_slow(notebook, page)
    notebook.save()
    notebook.reload()
    expect_live(card_of(page), "researching")
    assert page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.kernelDisplayStatus") != "idle"
    gate.touch()
    expect_live(card_of(page), "completed")
    (notebook.lab.root / "free").touch()


def test_a_kernel_restart_changes_nothing(
    page: Page, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    notebook = open_notebook(LOAD, slow(gate, "kernel restart"))
    card, _ = start_slow(notebook, page)
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    gate.touch()
    expect_live(card, "completed")
    expect(card.get_by_text("This was slow.")).to_be_visible()


def test_a_server_restart_with_the_page_open_is_survived(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    notebook = open_notebook(LOAD, slow(gate, "server restart"))
    card, _ = start_slow(notebook, page)
    # JupyterLab shows a dialog over everything when the server goes while it saves.
    wait_for(lambda: saved_output(notebook), "the output in the file")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    lab.stop(kill=True)
    page.add_locator_handler(
        page.locator("dialog.jp-Dialog"), lambda dialog: dialog.get_by_role("button").last.click()
    )
    expect(card).to_have_attribute("data-link", "lost")
    expect(card.get_by_text("connection lost, trying again")).to_be_visible()
    lab.start()
    expect_live(card, "interrupted")
    gate.touch()
    card.get_by_role("button", name="Resume").click()
    expect_live(card, "completed")


def test_two_notebooks_with_one_session_share_it_and_the_socket(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    notebook = open_notebook(LOAD, slow(gate, "two notebooks"))
    _, session_id = start_slow(notebook, page)
    other = written(lab, "other.ipynb", saved_data(lab, session_id))
    page.evaluate("name => window.jupyterapp.commands.execute('docmanager:open', {path: name})", other)
    cards = card_of(page)
    expect(cards).to_have_count(2)
    for index in range(2):
        expect_live(cards.nth(index), "researching")
    assert sum("research/api/ws" in url for url in sockets) == 1
    gate.touch()
    for index in range(2):
        expect(cards.nth(index)).to_have_attribute("data-state", "completed")


def saved_data(lab: Lab, session_id: str) -> dict[str, Any]:
    """Give the output that shows a session of this server as it is now."""
    snapshot = lab.ask("GET", f"research/api/sessions/{session_id}")
    session = {"schema": 1, "session_id": session_id, "snapshot": snapshot, "where": "server"}
    return {MIME: {**session, "as_of": "2026-01-02T03:04:05Z"}, "text/plain": "a session"}


def started(lab: Lab, researcher: str = "steps", **options: Any) -> str:
    """Start a session past the browser."""
    body = {"topic": "from outside", "researcher": researcher, "options": options}
    return str(lab.ask("POST", "research/api/sessions", body)["session_id"])


def test_an_untrusted_notebook_shows_its_session_live(page: Page, lab: Lab, gate: Path) -> None:
    session_id = started(lab, "slow", until=str(gate))
    notebook = Notebook(page, lab, written(lab, "foreign.ipynb", saved_data(lab, session_id)))
    notebook.reload()
    expect_live(card_of(page), "researching")
    gate.touch()
    expect_live(card_of(page), "completed")


def test_a_session_that_is_deleted_meanwhile_says_so_and_keeps_its_snapshot(
    page: Page, lab: Lab, gate: Path
) -> None:
    session_id = started(lab, "slow", until=str(gate))
    notebook = Notebook(page, lab, written(lab, "deleted.ipynb", saved_data(lab, session_id)))
    notebook.reload()
    card = card_of(page)
    expect_live(card, "researching")
    lab.ask("DELETE", f"research/api/sessions/{session_id}")
    expect(card).to_have_attribute("data-link", "gone")
    expect(card.get_by_text("it was deleted, or belongs to somebody else")).to_be_visible()
    expect(card.locator(".jr-topic")).to_have_text("from outside")
    expect(card.get_by_role("button", name="Cancel")).to_be_hidden()


def test_a_session_of_another_server_shows_the_report_that_the_notebook_kept(page: Page, lab: Lab) -> None:
    session_id = started(lab)
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed", "the end")
    data = saved_data(lab, session_id)
    lab.ask("DELETE", f"research/api/sessions/{session_id}")
    with pytest.raises(urllib.error.HTTPError):
        lab.ask("GET", f"research/api/sessions/{session_id}")
    data["text/markdown"] = "## Kept\n\nThis <script>window.owned = 1</script> **stands** in the file."
    notebook = Notebook(page, lab, written(lab, "kept.ipynb", data))
    notebook.reload()
    card = card_of(page)
    expect(card).to_have_attribute("data-link", "gone")
    expect(card.get_by_role("heading", name="Kept")).to_be_visible()
    expect(card.locator("strong")).to_have_text("stands")
    assert page.evaluate("window.owned") is None


def test_a_cut_line_is_mended_from_the_last_event_on(
    page: Page, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    cut: list[WebSocketRoute] = []
    joins: list[dict[str, Any]] = []

    def carry(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        cut.append(socket)

        def to_server(message: str | bytes) -> None:
            joins.append(json.loads(message))
            server.send(message)

        socket.on_message(to_server)

    page.route_web_socket("**/research/api/ws*", carry)
    notebook = open_notebook(LOAD, slow(gate, "cut line"))
    card, session_id = start_slow(notebook, page)
    cut[0].close(code=1012)
    # Playwright carries the messages while it waits.
    wait_for(lambda: page.wait_for_timeout(50) or len(joins) > 1, "a second join")
    again = joins[-1]
    assert again["session_id"] == session_id
    assert again["after"] == int(str(card.get_attribute("data-seq")))
    assert again["log"]
    gate.touch()
    expect_live(card, "completed")


def test_where_research_is_not_offered_the_card_stops_asking(page: Page, lab: Lab, gate: Path) -> None:
    session_id = started(lab, "slow", until=str(gate))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route_web_socket("**/research/api/ws*", lambda socket: socket.close(code=1011))
    page.route("**/research/api/health*", lambda route: route.fulfill(status=424, body="{}"))
    notebook = Notebook(page, lab, written(lab, "gone.ipynb", saved_data(lab, session_id)))
    notebook.reload()
    card = card_of(page)
    expect(card).to_have_attribute("data-link", "stopped")
    expect(card.get_by_text("The server answers no longer.")).to_be_visible()
    before = len([url for url in asked if "research/api" in url])
    page.wait_for_timeout(3000)
    assert len([url for url in asked if "research/api" in url]) == before

    page.unroute_all()
    page.evaluate("void 0")
    gate.touch()
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed", "the end")
