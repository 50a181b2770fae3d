"""Give tests one JupyterHub: three people, two servers that they share, and a browser."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.conftest import browser, picture
from browser.lab import BUILT
from live import REPOSITORY

from .running import HOSTS, PATIENCE, PEOPLE, Hub, clean_environment, running_hub

__all__ = ["browser", "picture"]

#: What people have written into their homes: one has fewer connections, the other would like to read more.
OWN_SETTINGS = {
    "alice": {"max_sockets_per_owner": 3},
    "bob": {"max_sockets_per_owner": 3, "libraries": {"mine": "/dev/shm"}, "researchers": {}},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            # Whichever comes first waits for the Hub and its servers too.
            item.add_marker(pytest.mark.timeout(4 * PATIENCE))
            if "browser" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Make no loop: Playwright runs one of its own in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Leave servers in this process to the other tests: ours are processes of their own."""


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Start the Hub and both servers, side by side."""
    folder = tmp_path_factory.mktemp("hub")
    _furnish(folder)
    with running_hub(folder) as hub:
        for name in PEOPLE:
            hub.renew(name)
        hub.serve(*HOSTS)
        yield hub


@pytest.fixture
def hub(running: Hub) -> Iterator[Hub]:
    """Give the Hub with both servers running; leave no session behind."""
    running.serve(*HOSTS)
    yield running
    if all(running.server(host) for host in HOSTS):
        running.clear()


def _furnish(folder: Path) -> None:
    """Prepare homes, a course, the labextension, and a JupyterLab that asks for no news."""
    for name in HOSTS:
        own = folder / "homes" / name / ".jupyter"
        own.mkdir(parents=True)
        for file in ("jupyter_server_config.json", "jupyter_jupyter_research_config.json"):
            (own / file).write_text(json.dumps({"ResearchApp": OWN_SETTINGS[name]}))
    (folder / "course").mkdir()
    (folder / "course" / "tides.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
    subprocess.run(
        [sys.executable, "-m", "jupyter_research.cli", "library", "index", str(folder / "course")],
        check=True, cwd=REPOSITORY, env=clean_environment(), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    extensions = folder / "share" / "labextensions"
    extensions.mkdir(parents=True)
    (extensions / "jupyter-research-lab").symlink_to(BUILT)
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
