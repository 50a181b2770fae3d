"""Work with sessions beside the notebook: the side panel, its tabs, and the notice of a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cancelled import TOPIC, leave
from playwright.sync_api import Locator, Page, Request, expect

from jupyter_research.client import LocalClient
from jupyter_research.testing import RESEARCHERS

from .harness import axe
from .lab import BUILT, OPEN_DOCUMENT, TOKEN, Lab, Notebook, confirm, search_palette, wait_for
from .test_coming_back import (
    MIME,
    expect_live,
    saved_data,
    started,
    wait_for_first_save,
    without_kernel,
    written,
)


@pytest.fixture
def panel(page: Page, lab: Lab) -> Locator:
    """Open JupyterLab with the panel in front."""
    return opened(page, lab)


def opened(page: Page, lab: Lab) -> Locator:
    """Open JupyterLab with the panel in front."""
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    found = page.locator(".jr-panel")
    expect(found).to_be_visible()
    return found


#: Each download: its button, how the name of the file ends, and how its content begins.
FORMATS = [
    ("Markdown", ".md", b"# "),
    ("HTML", ".html", b"<!"),
    ("PDF", ".pdf", b"%PDF"),
    ("Word", ".docx", b"PK"),
    ("BibTeX", ".bib", b"@"),
    ("Notebook", ".ipynb", b"{"),
]


def fill(panel: Locator, topic: str, sources: str) -> None:
    """Fill in the form for a new session and send it."""
    panel.get_by_role("button", name="New session").click()
    panel.get_by_label("Topic", exact=True).fill(topic)
    panel.get_by_label("Sources: files, folders or libraries").fill(sources)
    panel.get_by_role("button", name="Start").click()


def test_a_session_is_started_in_the_panel_and_opens_in_a_tab(
    page: Page, panel: Locator, picture: Callable[[Page | Locator, str], None]
) -> None:
    fill(panel, "what causes the tide?", "note.md")
    card = page.locator(".jr-tab .jr-session")
    expect(card).to_have_attribute("data-state", "completed")
    expect(card.locator(".jr-report")).to_contain_text("gravity of the moon")
    row = panel.get_by_role("listitem").filter(has_text="what causes the tide?")
    expect(row).to_contain_text("Completed")
    with page.expect_download() as download:
        card.get_by_role("button", name="Markdown").click()
    assert download.value.suggested_filename.endswith(".md")
    assert "gravity of the moon" in download.value.path().read_text()
    row.hover()
    assert axe(page, ".jr-panel") == []
    panel.get_by_role("button", name="New session").click()
    assert axe(page, ".jr-panel") == []
    picture(page, "panel")


def test_every_format_of_a_report_is_handed_to_the_browsers_download(
    page: Page, lab: Lab, panel: Locator
) -> None:
    body = {"topic": "what causes the tide?", "options": {"sources": ["note.md"]}}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    page.evaluate("id => window.jupyterapp.commands.execute('jupyter-research:open', {id})", session_id)
    downloads = page.locator(".jr-tab").get_by_role("group", name="Download")
    expect(downloads.get_by_role("button")).to_have_text([name for name, _, _ in FORMATS])
    for name, ending, beginning in FORMATS:
        with page.expect_download() as download:
            downloads.get_by_role("button", name=name).click()
        assert download.value.suggested_filename.endswith(ending)
        assert download.value.path().read_bytes().startswith(beginning), name


def test_the_form_shows_ones_choices_for_all_sessions_and_sends_what_differs(
    page: Page, lab: Lab, panel: Locator
) -> None:
    lab.ask("PUT", "research/api/defaults", {"analysts": 2, "model": "extractive"})
    sent: list[Any] = []

    def note(request: Request) -> None:
        if request.method == "POST" and "research/api/sessions" in request.url:
            sent.append(request.post_data_json)

    page.on("request", note)
    panel.get_by_role("button", name="New session").click()
    analysts, model = panel.get_by_label("Analysts"), panel.get_by_label("Model")
    expect(analysts).to_have_attribute("placeholder", "2")
    expect(model).to_have_attribute("placeholder", "extractive")
    panel.get_by_label("Topic", exact=True).press("Escape")
    fill(panel, "as usual", "note.md")
    card = page.locator(".jr-tab:visible .jr-session")
    expect(card.locator(".jr-topic")).to_have_text("as usual")
    assert sent[-1] == {"topic": "as usual", "options": {"sources": ["note.md"]}}
    options = lab.ask("GET", f"research/api/sessions/{card.get_attribute('data-session-id')}")["options"]
    assert (options["analysts"], options["model"]) == (2, "extractive")
    panel.get_by_role("button", name="New session").click()
    analysts.fill("1")
    model.fill("extractive")
    panel.get_by_role("button", name="+ example").click()
    panel.get_by_label("Topic", exact=True).fill("how are users kept apart?")
    panel.get_by_role("button", name="Start").click()
    expect(card.locator(".jr-topic")).to_have_text("how are users kept apart?")
    wanted = {"analysts": 1, "sources": ["note.md", "example"], "model": "extractive"}
    assert sent[-1] == {"topic": "how are users kept apart?", "options": wanted}
    lab.ask("PUT", "research/api/defaults", {})


def test_older_sessions_come_when_somebody_asks_for_them(page: Page, lab: Lab) -> None:
    for topic in ("the oldest", "the middle one", "the newest"):
        lab.ask("POST", "research/api/sessions", {"topic": topic, "researcher": "steps"})
    page.route(
        "**/research/api/sessions?limit=100**",
        lambda route: route.continue_(url=route.request.url.replace("limit=100", "limit=1")),
    )
    panel = opened(page, lab)
    expect(panel.get_by_role("listitem")).to_have_count(1)
    panel.get_by_role("button", name="Older sessions").click()
    panel.get_by_role("button", name="Older sessions").click()
    expect(panel.get_by_role("listitem")).to_have_count(3)
    panel.get_by_label("Find by topic").fill("oldest")
    expect(panel.get_by_role("listitem")).to_contain_text(["the oldest"])


def test_the_page_fetches_little_of_ours_at_its_start(page: Page, lab: Lab) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.partition("?")[0]))
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.wait_for_load_state("networkidle")
    names = {url.rpartition("/")[2] for url in fetched if "jupyter-research-lab/static" in url}
    # The loader is the builder's, the same in every extension.
    ours = [BUILT / "static" / name for name in names if not name.startswith("remoteEntry")]
    assert 0 < sum(path.stat().st_size for path in ours) <= 60_000


def test_sources_come_from_jupyterlabs_dialog_of_files(page: Page, panel: Locator) -> None:
    panel.get_by_role("button", name="New session").click()
    panel.get_by_role("button", name="Add files…").click()
    dialog = page.locator("dialog.jp-Dialog, .jp-Dialog").last
    dialog.get_by_text("note.md").click()
    dialog.get_by_role("button", name="Select").click()
    expect(panel.get_by_label("Sources: files, folders or libraries")).to_have_value("note.md")


def test_the_panel_refuses_with_the_servers_sentence(panel: Locator) -> None:
    fill(panel, "anything", "/etc/passwd")
    expect(panel.get_by_role("alert")).to_contain_text("does not exist or may not be read")


def test_the_panel_follows_what_works_and_finds_it(
    page: Page, lab: Lab, panel: Locator, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    body = {"topic": "slow work", "researcher": "slow", "options": {"until": str(gate)}}
    lab.ask("POST", "research/api/sessions", body)
    lab.ask("POST", "research/api/sessions", {"topic": "another", "researcher": "steps"})
    row = panel.get_by_role("listitem").filter(has_text="slow work")
    expect(row).to_contain_text("Researching")
    panel.get_by_label("State").select_option("unfinished")
    expect(panel.get_by_role("listitem")).to_have_count(1)
    panel.get_by_label("Find by topic").fill("nothing like it")
    expect(panel.get_by_text("No session fits.")).to_be_visible()
    panel.get_by_label("Find by topic").fill("slow")
    row.get_by_role("button").first.click()
    expect(page.locator(".jr-tab .jr-session")).to_have_attribute("data-link", "live")
    page.evaluate("window.jupyterapp.commands.execute('running:show-panel')")
    running = page.get_by_role("region", name="Research Sessions Section")
    expect(running.get_by_text("slow work")).to_be_visible()
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    panel.get_by_label("State").select_option("all")
    gate.touch()
    expect(row).to_contain_text("Completed")


def test_what_a_cancelled_session_had_found_is_shown_in_its_card(
    page: Page,
    lab: Lab,
    picture: Callable[[Page | Locator, str], None],
    open_notebook: Callable[..., Notebook],
) -> None:
    lab.stop()
    leave(lab.folder / "research", lab.root / "tides.md")
    lab.start()
    opened(page, lab).get_by_role("listitem").filter(has_text=TOPIC).get_by_role("button").first.click()
    card = page.locator(".jr-tab .jr-session")
    expect(card).to_have_attribute("data-state", "cancelled")
    expect(card.locator(".jr-report")).to_have_count(0)
    button = card.get_by_role("button", name="Show what was found")
    picture(card, "cancelled-with-a-part")
    button.click()
    expect(card.locator(".jr-report")).to_contain_text("1 of 2 interviews were done")
    expect(button).to_be_hidden()
    assert axe(page, ".jr-tab .jr-session") == []
    picture(card, "part")
    with page.expect_download() as download:
        card.get_by_role("button", name="Markdown").click()
    assert "This is a partial report" in download.value.path().read_text()
    session_id = card.get_attribute("data-session-id")
    open_notebook("1 + 1", name="part.ipynb")
    page.evaluate("id => window.jupyterapp.commands.execute('jupyter-research:insert', {id})", session_id)
    inserted = page.locator(".jp-OutputArea .jr-output .jr-session")
    inserted.get_by_role("button", name="Show what was found").click()
    expect(inserted.locator(".jr-report")).to_be_visible()
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:insert-report')")
    expect(page.locator(".jp-MarkdownCell", has_text="This is a partial report").first).to_be_visible()


def test_the_panel_tells_of_a_damaged_file_until_it_is_gone(page: Page, lab: Lab) -> None:
    file = lab.folder / "research" / "research.damaged-20260101T000000000000Z.sqlite"
    file.touch()
    notice = opened(page, lab).locator(".jr-notice")
    expect(notice).to_contain_text(f"A damaged file was set aside as {file.name}")
    assert axe(page, ".jr-panel") == []
    file.unlink()
    panel = opened(page, lab)
    expect(panel.get_by_role("listitem").or_(panel.get_by_text("No session yet.")).first).to_be_visible()
    expect(notice).to_be_hidden()


def test_sessions_are_cancelled_in_the_panel_and_among_what_runs(
    page: Page, lab: Lab, panel: Locator, tmp_path: Path
) -> None:
    body = {"researcher": "slow", "options": {"until": str(tmp_path / "never")}}
    for topic in ("first of two", "second of two"):
        lab.ask("POST", "research/api/sessions", {"topic": topic, **body})
    row = panel.get_by_role("listitem").filter(has_text="first of two")
    row.hover()
    cancel = row.get_by_role("button", name="Cancel", exact=True)
    confirm(cancel, row.get_by_role("button", name="Yes, cancel"))
    expect(row).to_contain_text("Cancelled")
    page.evaluate("window.jupyterapp.commands.execute('running:show-panel')")
    running = page.get_by_role("region", name="Research Sessions Section")
    item = running.get_by_role("treeitem").filter(has_text="second of two")
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    expect(running.get_by_text("second of two")).to_be_hidden()


def test_a_session_that_has_ended_is_deleted_once_somebody_says_yes(
    page: Page, lab: Lab, panel: Locator, tmp_path: Path, picture: Callable[[Page | Locator, str], None]
) -> None:
    body = {"topic": "not needed any more", "options": {"sources": ["note.md"]}}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    works = started(lab, "slow", until=str(tmp_path / "never"))
    row = panel.get_by_role("listitem").filter(has_text="not needed any more")
    expect(row).to_contain_text("Completed")
    other = panel.locator(f".jr-panel-row:has([data-session-id='{works}'])")
    other.hover()
    expect(other.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    expect(other.get_by_role("button", name="Delete")).to_be_hidden()
    page.evaluate("id => window.jupyterapp.commands.execute('jupyter-research:open', {id})", session_id)
    card = page.locator(".jr-tab .jr-session")
    expect(card).to_have_attribute("data-state", "completed")
    row.hover()
    row.get_by_role("button", name="Delete").click()
    question = row.get_by_role("group", name="Delete the session and its report?")
    expect(question.get_by_role("button", name="Yes, delete")).to_be_focused()
    assert axe(page, ".jr-panel") == []
    picture(panel, "panel-delete")
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Delete")).to_be_focused()
    assert lab.ask("GET", f"research/api/sessions/{session_id}")["state"] == "completed"
    confirm(
        row.get_by_role("button", name="Delete", exact=True),
        question.get_by_role("button", name="Yes, delete"),
    )
    expect(row).to_have_count(0)
    expect(card).to_have_attribute("data-link", "gone")
    left = [one["session_id"] for one in lab.ask("GET", "research/api/sessions")["sessions"]]
    assert works in left and session_id not in left


def test_what_works_stands_among_what_runs_and_leaves_at_its_end(
    page: Page, lab: Lab, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    body = {"topic": "nobody looked", "researcher": "slow", "options": {"until": str(gate)}}
    lab.ask("POST", "research/api/sessions", body)
    # Nobody has opened our own panel, nor pressed the button for news.
    page.evaluate("window.jupyterapp.commands.execute('running:show-panel')")
    running = page.get_by_role("region", name="Research Sessions Section")
    item = running.get_by_role("treeitem").filter(has_text="nobody looked")
    expect(item).to_contain_text("Researching")
    item.get_by_text("nobody looked").click()
    expect(page.locator(".jr-tab .jr-session")).to_have_attribute("data-state", "researching")
    gate.touch()
    expect(item).to_be_hidden()


@pytest.fixture
def windowed(lab: Lab) -> Iterator[None]:
    """Let cells out of sight not be drawn, as in long notebooks."""
    settings = "lab/api/settings/@jupyterlab/notebook-extension:tracker"
    lab.ask("PUT", settings, {"raw": '{"windowingMode": "full"}'})
    yield
    lab.ask("PUT", settings, {"raw": "{}"})


@pytest.mark.usefixtures("windowed")
def test_a_click_goes_to_the_cell_though_it_is_scrolled_far_away(page: Page, lab: Lab) -> None:
    body = {"topic": "far below", "researcher": "steps"}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    name = written(lab, "long.ipynb", saved_data(lab, session_id))
    document = nbformat.read(lab.root / name, as_version=4)
    document.cells[:0] = [nbformat.v4.new_code_cell(f"print({number})\n" * 10) for number in range(60)]
    nbformat.write(document, lab.root / name)
    without_kernel(page)
    Notebook(page, lab, name).reload()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    row = page.locator(".jr-panel").get_by_role("listitem").filter(has_text="far below").first
    expect(row).to_contain_text("Completed")
    # Where the machine is slow, JupyterLab has drawn it before it knew how high the cells are, and hides it.
    expect(card).to_be_hidden()
    row.get_by_role("button").first.click()
    expect(card).to_be_in_viewport()
    expect(page.locator(".jr-tab")).to_have_count(0)


def test_nothing_of_ours_is_needed_in_the_kernel(page: Page, lab: Lab) -> None:
    without = "import sys; sys.modules['jupyter_research'] = None; from ipykernel import kernelapp as app"
    command = [sys.executable, "-c", f"{without}; app.launch_new_instance()", "-f", "{connection_file}"]
    spec = lab.folder / "data" / "kernels" / "bare" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": command, "display_name": "Bare", "language": "python"}))
    name = lab.notebook("import jupyter_research", name="bare.ipynb")
    file = lab.root / name
    file.write_text(file.read_text().replace('"python3"', '"bare"'))
    notebook = Notebook(page, lab, name)
    notebook.open()
    notebook.run_all()
    expect(page.locator(".jp-OutputArea", has_text="ModuleNotFoundError")).to_be_visible()
    body = {"topic": "what is this?", "researcher": "asks"}
    lab.ask("POST", "research/api/sessions", body)
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    row = page.locator(".jr-panel").get_by_role("listitem").filter(has_text="what is this?").first
    row.hover()
    row.get_by_role("button", name="Insert").click()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    card.get_by_role("button", name="Approve").click()
    expect(card.locator(".jr-report")).to_be_visible()
    card.get_by_role("button", name="Insert below as cells").click()
    expect(page.locator(".jp-MarkdownCell .jp-RenderedMarkdown").first).to_be_visible()


def test_a_session_is_put_back_into_a_notebook_and_its_report_below(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook]
) -> None:
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    body = {"topic": "what causes the tide?", "options": {"sources": ["note.md"]}}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    notebook = open_notebook("1 + 1", name="without.ipynb")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    row = page.locator(".jr-panel").get_by_role("listitem").filter(has_text="what causes the tide?").first
    row.hover()
    row.get_by_role("button", name="Insert").click()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-session-id", session_id)
    wait_for_first_save(notebook)
    card.get_by_role("button", name="Insert below as cells").click()
    drawn = page.locator(".jp-MarkdownCell .jp-RenderedMarkdown")
    expect(drawn.filter(has_text="gravity of the moon").first).to_be_visible()
    page.evaluate("void window.jupyterapp.shell.currentWidget.context.save()")
    cells = wait_for(lambda: (found := notebook.saved()["cells"])[2:] and found, "the cells in the file")
    assert [cell["cell_type"] for cell in cells[:3]] == ["code", "code", "markdown"]
    assert MIME in cells[1]["outputs"][0]["data"]
    assert all("".join(cell["source"]).startswith("#") for cell in cells[2:])
    # What was put in is as good as what the cell gives when somebody runs it.
    notebook.run_all()
    page.wait_for_function("document.querySelectorAll('.jp-InputPrompt')[1].textContent.includes('2')")
    expect(card).to_have_attribute("data-link", "live")


def test_a_further_question_is_answered_from_what_was_read(page: Page, panel: Locator) -> None:
    fill(panel, "what causes the tide of the sea?", "note.md")
    card = page.locator(".jr-tab .jr-session")
    question = card.get_by_label("Ask a further question of these sources")
    question.fill("what has gravity?")
    question.press("Enter")
    expect(card.locator(".jr-further .jr-report .jr-cite").first).to_be_visible()


def test_a_session_of_another_server_is_shown_as_it_stands_and_decided_there(page: Page, lab: Lab) -> None:
    lab.ask("GET", "research/api/health")  # Now the folder is its own, and the other takes the one beside it.
    other = LocalClient.over(lab.folder / "research", RESEARCHERS)
    try:
        session_id = other.start({"topic": "held elsewhere", "researcher": "asks"})["session_id"]
        wait_for(lambda: other.get(session_id)["state"] == "awaiting_approval", "the question")
        row = opened(page, lab).get_by_role("listitem").filter(has_text="held elsewhere")
        row.get_by_role("button").first.click()
        card = page.locator(".jr-tab .jr-session")
        expect(card).to_have_attribute("data-link", "elsewhere")
        expect(card).to_contain_text("Another server of yours holds this session: decide there.")
        expect(card).to_contain_text("Which sections shall the report have?")
        for name in ("Approve", "Cancel"):
            expect(card.get_by_role("button", name=name, exact=True)).to_be_hidden()
        other.approve(session_id, 1)
        expect(card).to_have_attribute("data-state", "completed")
        expect(card).to_have_attribute("data-link", "elsewhere")
    finally:
        other.close()
    # What it left this server takes over.
    expect(card).to_have_attribute("data-link", "live")


def test_the_palette_offers_what_can_be_done(page: Page, panel: Locator) -> None:
    offered = page.locator(".lm-CommandPalette-item", has_text="research session")
    topic = panel.get_by_label("Topic", exact=True)

    def chosen() -> bool:
        """Choose the first; on a busy machine the palette may close before the key is there."""
        search_palette(page, "research session")
        try:
            expect(offered).to_have_text(["New research session", "Show research sessions"], timeout=10_000)
            expect(offered.locator(".lm-CommandPalette-itemIcon svg")).to_have_count(2, timeout=10_000)
            page.keyboard.press("Enter")
            expect(topic).to_be_focused(timeout=10_000)
        except AssertionError:
            return False
        return True

    wait_for(chosen, "the form")


def test_a_report_that_nobody_sees_come_is_announced(
    page: Page, lab: Lab, open_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    line = f"%research --researcher slow --set until={json.dumps(str(gate))} out of sight"
    notebook = open_notebook("%load_ext jupyter_research", line)
    notebook.run_all()
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "researching")
    without_kernel(page)
    other = written(lab, "the same.ipynb", saved_data(lab, str(card.get_attribute("data-session-id"))))
    page.evaluate(OPEN_DOCUMENT, other)
    expect(card).to_have_count(2)
    for index in range(2):
        expect_live(card.nth(index), "researching")
    page.evaluate("void window.jupyterapp.commands.execute('launcher:create')")
    expect(card.filter(visible=True)).to_have_count(0)
    gate.touch()
    # Once, though two cells show it.
    notice = page.get_by_text("Your report is ready: out of sight")
    expect(notice).to_be_visible()
    for index in range(2):
        expect(card.nth(index)).to_have_attribute("data-state", "completed")
    expect(notice).to_have_count(1)
    page.get_by_role("button", name="Open", exact=True).click()
    expect(card.filter(visible=True)).to_have_count(1)


def test_the_panel_of_a_forgotten_page_asks_no_more_until_somebody_is_back(page: Page, lab: Lab) -> None:
    page.clock.install()
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:open')")
    expect(page.locator(".jr-panel")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "research/api" in request.url else None)
    page.clock.run_for(60_000)
    assert asked
    page.clock.run_for(5 * 60_000)
    # As JupyterLab does, whoever is there.
    page.locator(".jr-panel .jr-field").first.evaluate("field => { field.blur(); field.focus(); }")
    page.clock.run_for(5 * 60_000)
    asked.clear()
    page.clock.run_for(5 * 60_000)
    assert not asked
    with page.expect_request(lambda request: "research/api/sessions" in request.url):
        page.locator(".jr-panel").click()
