"""Give tests a real JupyterLab, and a real browser in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from .harness import LABEXTENSION, Card, bundled
from .lab import BUILT, DEADLINE, ROOT, Lab, Notebook

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=DEADLINE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Make no loop: Playwright runs one of its own in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Leave servers in this process to the other tests: ours are processes of their own."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; not for the whole run, since Playwright's loop is in the way of others' loops."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("There is no Chromium: install it, or name it with CHROMIUM=/path/to/it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=DEADLINE * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Run JupyterLab for the tests of a module; `LAB = {...}` there changes how."""
    assert BUILT.is_dir(), "The labextension is not built: run `make test`, which builds it."
    made = Lab(tmp_path_factory.mktemp("lab"), **getattr(request.module, "LAB", {}))
    made.prepare()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def page(browser: Browser, lab: Lab) -> Iterator[Page]:
    """Open a window of a browser that nobody has used."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(DEADLINE * 1000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    ours = [problem for problem in problems if "jupyter-research" in problem or "jr-" in problem]
    assert not ours, ours


@pytest.fixture(scope="session")
def script() -> str:
    """Bundle the card with the harness around it."""
    return bundled()


@pytest.fixture
def card(browser: Browser, script: str) -> Iterator[Card]:
    """Open a page with the style and the script of the card."""
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.set_default_timeout(DEADLINE * 1000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    style = (LABEXTENSION / "style" / "base.css").read_text()
    page.set_content(f"<style>{style}</style><main id=place></main><script>{script}</script>")
    yield Card(page)
    page.close()
    assert not problems


@pytest.fixture
def picture() -> Callable[[Page | Locator, str], None]:
    """Take a picture for people to look at; `make pictures` puts some of them into the documentation."""
    folder = ROOT / "test-results" / "pictures"

    def take(what: Page | Locator, name: str) -> None:
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        what.screenshot(path=path, animations="disabled")

    return take


@pytest.fixture
def open_notebook(page: Page, lab: Lab) -> Callable[..., Notebook]:
    """Write a notebook with these cells and open it."""

    def open_(*cells: str, name: str = "test.ipynb") -> Notebook:
        notebook = Notebook(page, lab, lab.notebook(*cells, name=name))
        notebook.open()
        return notebook

    return open_
