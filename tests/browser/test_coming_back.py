"""Come back to a session: after reloads, restarts and losses the card shows what is true."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, Page, Route, WebSocket, WebSocketRoute, expect

from .lab import DEADLINE, OPEN_DOCUMENT, Lab, Notebook, wait_for

MIME = "application/vnd.jupyter-research.session+json"
LOAD = "%load_ext jupyter_research"


def card_of(page: Page) -> Locator:
    return page.locator(".jp-OutputArea .jr-output .jr-session")


def expect_live(card: Locator, state: str) -> None:
    expect(card).to_have_attribute("data-state", state)
    expect(card).to_have_attribute("data-link", "live")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Name the file whose appearance ends the work of the researcher `slow`."""
    return tmp_path / "gate"


class Line:
    """Stand between a page and the socket: a line that can be cut, or go dead without a word."""

    def __init__(self, page: Page) -> None:
        self.joins: list[dict[str, Any]] = []
        self.cut = False
        self.dead = False
        #: How many attempts to connect came to nothing.
        self.refused = 0
        self._page = page
        self._open: list[WebSocketRoute] = []
        page.route_web_socket("**/research/api/ws*", self._carry)
        page.route("**/research/api/**", self._pass)

    def break_(self) -> None:
        """Cut the line, and let nothing through from now on."""
        self.cut = True
        for socket in self._open:
            socket.close(code=1012)
        self._open.clear()

    def wait_for_join(self, count: int) -> dict[str, Any]:
        """Wait until the page has joined so often."""
        # Playwright carries the messages while it waits.
        wait_for(lambda: self._page.wait_for_timeout(50) or len(self.joins) >= count, "another join")
        return self.joins[-1]

    def _pass(self, route: Route) -> None:
        if self.cut:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    def _carry(self, socket: WebSocketRoute) -> None:
        if self.cut:
            self.refused += 1
            socket.close(code=1012)
            return
        server = socket.connect_to_server()
        self._open.append(socket)
        asleep = not self.dead

        def to_server(message: str | bytes) -> None:
            self.joins.append(json.loads(message))
            if not (self.dead and asleep):
                server.send(message)

        def to_page(message: str | bytes) -> None:
            if not (self.dead and asleep):
                socket.send(message)

        socket.on_message(to_server)
        server.on_message(to_page)


def start_slow(notebook: Notebook, page: Page) -> tuple[Locator, str]:
    """Run the cells, and give the card and the id of its session once it works."""
    notebook.run_all()
    card = card_of(page)
    expect_live(card, "researching")
    # The last that it says until its gate is there: from here on its log stands still.
    expect(card.locator(".jr-message")).to_have_text("Working.")
    wait_for_first_save(notebook)
    return card, str(card.get_attribute("data-session-id"))


def wait_for_first_save(notebook: Notebook) -> None:
    """Wait until the page has saved what it displays: JupyterLab takes a save beside that for a conflict."""
    wait_for(lambda: saved_output(notebook), "the output in the file")
    notebook.page.wait_for_function("!window.saving")


def saved_output(notebook: Notebook) -> dict[str, Any]:
    """Give the data of the card's output as the file has it."""
    outputs = [output for cell in notebook.saved()["cells"] for output in cell.get("outputs", [])]
    return next((output["data"] for output in outputs if MIME in output.get("data", {})), {})


def written(lab: Lab, name: str, data: dict[str, Any], *before: str) -> str:
    """Write a notebook with this output, behind these cells, as somebody else's file."""
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in before])
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs.append(nbformat.v4.new_output("display_data", data))
    document.cells.append(cell)
    nbformat.write(document, lab.root / name)
    return name


def without_kernel(page: Page) -> None:
    """Answer JupyterLab's question for a kernel, which stands in front of every button."""
    page.add_locator_handler(
        page.locator("dialog.jp-Dialog"),
        lambda dialog: dialog.get_by_role("button", name="No Kernel").click(),
    )


def without_dialogs(page: Page) -> None:
    """Close every dialog that JupyterLab shows over the page, such as those about its server."""
    page.add_locator_handler(
        page.locator("dialog.jp-Dialog"), lambda dialog: dialog.get_by_role("button").last.click()
    )


def slow(gate: Path, topic: str) -> str:
    return f"%research --new --researcher slow --set until={json.dumps(str(gate))} {topic}"


def test_the_first_display_is_saved_and_comes_back_live_without_a_kernel(
    page: Page, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    notebook = open_notebook(LOAD, slow(gate, "first display"))
    _, session_id = start_slow(notebook, page)
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


def test_a_reload_with_an_idle_kernel_that_was_restarted_shows_the_session_live(
    page: Page, open_notebook: Callable[..., Notebook], gate: Path
) -> None:
    notebook = open_notebook(LOAD, slow(gate, "idle kernel"))
    _, session_id = start_slow(notebook, page)
    notebook.save()
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notebook.reload()
    expect_live(card_of(page), "researching")
    expect(card_of(page)).to_have_attribute("data-session-id", session_id)
    gate.touch()
    expect_live(card_of(page), "completed")


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
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    lab.stop(kill=True)
    without_dialogs(page)
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
    page.evaluate(OPEN_DOCUMENT, other)
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


def reopened(page: Page, lab: Lab, name: str, session_id: str) -> Locator:
    """Open a notebook that was saved with a session's card, and give the card."""
    Notebook(page, lab, written(lab, name, saved_data(lab, session_id))).reload()
    return card_of(page)


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
    card = reopened(page, lab, "deleted.ipynb", session_id)
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
    line = Line(page)
    notebook = open_notebook(LOAD, slow(gate, "cut line"))
    card, session_id = start_slow(notebook, page)
    seen, joins = int(str(card.get_attribute("data-seq"))), len(line.joins)
    line.break_()
    line.cut = False
    again = line.wait_for_join(joins + 1)
    assert again["session_id"] == session_id
    assert again["after"] == seen
    assert again["log"]
    gate.touch()
    expect_live(card, "completed")


@pytest.mark.parametrize("status", [302, 404, 424])
def test_where_research_is_not_offered_the_card_stops_asking(
    page: Page, lab: Lab, gate: Path, status: int
) -> None:
    without_kernel(page)
    session_id = started(lab, "slow", until=str(gate))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route_web_socket("**/research/api/ws*", lambda socket: socket.close(code=1011))
    answer: dict[str, Any] = {"status": status, "headers": {"Location": "/hub/"}, "body": "{}"}
    page.route("**/research/api/health*", lambda route: route.fulfill(**answer))
    card = reopened(page, lab, "gone.ipynb", session_id)
    expect(card).to_have_attribute("data-link", "stopped")
    expect(card.get_by_text("The server answers no longer")).to_be_visible()
    expect(card.get_by_role("button", name="Pause")).to_be_hidden()
    before = len([url for url in asked if "research/api" in url])
    page.wait_for_timeout(1500)  # Longer than the first wait between two attempts.
    assert len([url for url in asked if "research/api" in url]) == before
    again = card.get_by_role("button", name="Try again")

    def health() -> int:
        page.wait_for_timeout(50)  # Playwright tells of requests while it waits.
        return len([url for url in asked if "research/api/health" in url])

    before = health()
    again.click()
    wait_for(lambda: health() > before, "another question")
    expect(card).to_have_attribute("data-link", "stopped")
    expect(again).to_be_visible()
    gate.touch()


def test_a_server_that_refuses_every_connection_is_given_up(page: Page, lab: Lab, gate: Path) -> None:
    line = Line(page)
    without_dialogs(page)
    page.clock.install()
    session_id = started(lab, "slow", until=str(gate))
    card = reopened(page, lab, "gone for good.ipynb", session_id)
    expect_live(card, "researching")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "research/api" in request.url else None)
    page.on("websocket", lambda socket: asked.append(socket.url) if "research/api" in socket.url else None)
    line.break_()
    expect(card).to_have_attribute("data-link", "lost")

    def later() -> str | None:
        """Let as much time go by as lies between two attempts at most."""
        page.clock.run_for(31_000)
        return card.get_attribute("data-link")

    assert {later() for _ in range(10)} == {"lost"}
    assert len(asked) > 1
    wait_for(lambda: later() == "stopped", "the end of attempts", 4 * DEADLINE)
    expect(card.get_by_text("The server answers no longer")).to_be_visible()
    asked.clear()
    page.clock.run_for(30 * 60_000)
    assert asked == []
    line.cut = False
    page.clock.resume()
    card.get_by_role("button", name="Try again").click()
    expect_live(card, "researching")
    gate.touch()
    expect_live(card, "completed")


def test_a_network_that_is_lost_for_a_while_is_waited_for(page: Page, lab: Lab, gate: Path) -> None:
    line = Line(page)
    without_kernel(page)
    session_id = started(lab, "slow", until=str(gate))
    card = reopened(page, lab, "lost.ipynb", session_id)
    expect_live(card, "researching")
    line.break_()
    expect(card).to_have_attribute("data-link", "lost")
    gate.touch()
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed", "the end")
    expect(card).to_have_attribute("data-state", "researching")
    card.get_by_role("button", name="Pause").click()
    expect(card.get_by_role("alert")).to_have_text("The server does not answer.")
    line.cut = False
    expect_live(card, "completed")
    expect(card.get_by_text("This was slow.")).to_be_visible()


def test_a_socket_that_died_in_the_sleep_of_a_laptop_is_noticed(page: Page, lab: Lab, gate: Path) -> None:
    line = Line(page)
    session_id = started(lab, "slow", until=str(gate))
    card = reopened(page, lab, "asleep.ipynb", session_id)
    expect_live(card, "researching")
    line.dead = True
    gate.touch()
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed", "the end")
    # What a browser tells a page when the lid opens.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_live(card, "completed")
    assert line.joins[-1]["after"] > 0


def test_a_laptop_that_slept_for_a_night_is_back_once_its_network_is(
    page: Page, lab: Lab, gate: Path
) -> None:
    line = Line(page)
    page.clock.install()
    session_id = started(lab, "slow", until=str(gate))
    card = reopened(page, lab, "night.ipynb", session_id)
    expect_live(card, "researching")
    line.break_()
    expect(card).to_have_attribute("data-link", "lost")
    tries = line.refused
    page.clock.fast_forward("10:00:00")
    wait_for(lambda: page.clock.run_for(1000) or line.refused > tries, "an attempt without a network")
    assert {page.clock.run_for(1000) or card.get_attribute("data-link") for _ in range(5)} == {"lost"}
    line.cut = False
    page.clock.resume()
    gate.touch()
    expect_live(card, "completed")


def test_two_tabs_agree_and_the_later_one_does_not_overrule(page: Page, lab: Lab) -> None:
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    body = {"topic": "what causes the tide?", "options": {"sources": ["note.md"]}, "approve": "ask"}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    name = written(lab, "tabs.ipynb", saved_data(lab, session_id))
    other = page.context.new_page()
    for one in (page, other):
        without_kernel(one)
        Notebook(one, lab, name).reload()
        expect_live(card_of(one), "awaiting_approval")
    mine, yours = card_of(page), card_of(other)
    yours.get_by_label("Name").first.fill("Mine")
    mine.get_by_label("What to change, in a sentence").fill("add an analyst on history")
    mine.get_by_role("button", name="Change").click()
    expect(yours.get_by_text("The proposal has changed since: this is the newest.")).to_be_visible()
    expect(yours.get_by_label("Name").first).not_to_have_value("Mine")
    yours.get_by_role("button", name="Approve").click()
    for card in (mine, yours):
        expect_live(card, "completed")
    other.close()


def test_a_notebook_of_the_day_before_shows_the_end_that_came_in_the_night(
    page: Page, lab: Lab, gate: Path
) -> None:
    session_id = started(lab, "slow", until=str(gate))
    data = saved_data(lab, session_id)
    gate.touch()
    wait_for(lambda: lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed", "the end")
    lab.stop()
    lab.start()
    notebook = Notebook(page, lab, written(lab, "yesterday.ipynb", data))
    notebook.reload()
    card = card_of(page)
    expect_live(card, "completed")
    expect(card.get_by_text("This was slow.")).to_be_visible()
    # Nothing runs that could write the end into the file: the page does, and the same as a kernel would.
    wait_for(
        lambda: notebook.save() or saved_output(notebook)[MIME]["snapshot"]["state"] == "completed",
        "the end in the file",
    )
    given = lab.ask("GET", f"research/api/sessions/{session_id}/output")
    for kind in ("text/html", "text/markdown", "text/plain"):
        assert "".join(saved_output(notebook)[kind]) == given[kind]
    assert "This was slow." in given["text/html"]


def test_one_socket_serves_the_page_and_none_when_nothing_is_shown(page: Page, lab: Lab, gate: Path) -> None:
    opened: list[str] = []
    closed: list[str] = []

    def note(socket: WebSocket) -> None:
        if "research/api/ws" in socket.url:
            opened.append(socket.url)
            socket.on("close", lambda _: closed.append(socket.url))

    page.on("websocket", note)
    session_id = started(lab, "slow", until=str(gate))
    notebook = Notebook(page, lab, written(lab, "shown.ipynb", saved_data(lab, session_id)))
    notebook.reload()
    expect_live(card_of(page), "researching")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    row = page.locator(".jr-panel .jr-session-row").first
    expect(row).to_contain_text("Researching")
    assert (len(opened), len(closed)) == (1, 0)
    page.evaluate("window.jupyterapp.shell.currentWidget.dispose()")
    page.evaluate("window.jupyterapp.commands.execute('filebrowser:activate')")
    wait_for(lambda: page.wait_for_timeout(50) or closed, "the end of the socket")
    gate.touch()
