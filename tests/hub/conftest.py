"""Give tests one JupyterHub: three people, two servers that they share, and a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.conftest import browser, picture
from browser.lab import BUILT

from .running import HOSTS, PEOPLE, Hub, running_hub

__all__ = ["browser", "picture"]

#: What people have written into their homes, to get around the administrator.
OWN_SETTINGS = {"ResearchApp": {"libraries": {"mine": "/dev/shm"}}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
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
    """Prepare homes, the labextension, and a JupyterLab that asks for no news."""
    for name in HOSTS:
        own = folder / "homes" / name / ".jupyter"
        own.mkdir(parents=True)
        (own / "jupyter_server_config.json").write_text(json.dumps(OWN_SETTINGS))
        text = f"c.ResearchApp.libraries = {OWN_SETTINGS['ResearchApp']['libraries']!r}\n"
        (own.parent / "jupyter_server_config.py").write_text(text)
    extensions = folder / "share" / "labextensions"
    extensions.mkdir(parents=True)
    (extensions / "jupyter-research-lab").symlink_to(BUILT)
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
