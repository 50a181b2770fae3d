"""Run a JupyterLab of our own, and drive the notebooks in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live import free_ports
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as Late

from jupyter_research.testing import RESEARCHERS

ROOT = Path(__file__).parent.parent.parent
BUILT = ROOT / "jupyter_research" / "labextension"
TOKEN = "browser-test-token"
BASE_URL = "/some/where/"

#: How long to wait for what has to happen, in seconds: far more than it takes on a busy machine.
DEADLINE = 90


@dataclass
class Lab:
    """Run `jupyter lab` (or `notebook`) in folders of its own; may be stopped and started again."""

    folder: Path
    app: str = "lab"
    #: Whether the page gets our labextension.
    labextension: bool = True
    config: dict[str, Any] = field(default_factory=dict)
    #: More for the section of the server, and sections of others.
    server: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """Name the folder of the notebooks."""
        return self.folder / "root"

    @property
    def url(self) -> str:
        """Give the address of the server."""
        return f"http://127.0.0.1:{self.port}{BASE_URL}"

    def prepare(self) -> None:
        """Make the folders and the configuration."""
        self.root.mkdir(parents=True)
        data = self.folder / "data"
        if self.labextension:
            target = data / "labextensions" / "jupyter-research-lab"
            target.parent.mkdir(parents=True)
            target.symlink_to(BUILT)
        config = {
            "ServerApp": {
                "jpserver_extensions": {"jupyter_research": True},
                "allow_unauthenticated_access": False,
                "base_url": BASE_URL,
                "port_retries": 0,
                "root_dir": str(self.root),
                "open_browser": False,
                "allow_root": True,
                "terminals_enabled": False,
                **self.server,
            },
            "IdentityProvider": {"token": TOKEN},
            "ResearchApp": {
                "data_dir": str(self.folder / "research"),
                "researchers": RESEARCHERS,
                **self.config,
            },
            "LabApp": {"expose_app_in_browser": True},
            "JupyterNotebookApp": {"expose_app_in_browser": True},
            **self.other,
        }
        quiet = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        (self.folder / "config").mkdir()
        if not self.labextension:
            page = self.folder / "config" / "labconfig" / "page_config.json"
            page.parent.mkdir()
            page.write_text('{"disabledExtensions": {"jupyter-research-lab": true}}')
        (self.folder / "config" / "jupyter_server_config.json").write_text(json.dumps(config))
        # It stays ours while the server is away.
        (self.port,) = free_ports(1)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        names = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        paths = {name: str(self.folder / folder) for name, folder in names.items()}
        python_path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, **paths, "PYTHONPATH": python_path}
        environment.pop("JUPYTER_RESEARCH_URL", None)
        command = [sys.executable, "-m", "jupyter", self.app, "--ip=127.0.0.1", f"--port={self.port}"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=self.root, start_new_session=True
            )
        wait_for(self._answers, "the server's answer")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return bool(self.ask("GET", "api/status"))
        except urllib.error.HTTPError as refusal:
            # A server that takes a password alone does not know us, and answers all the same.
            return refusal.code == 403
        except (urllib.error.URLError, OSError):
            return False

    def stop(self, kill: bool = False) -> None:
        """Stop the server with its kernels."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self._wait()

    def _wait(self) -> None:
        assert self.process is not None
        try:
            # Where a request was under way, an idle worker of AnyIO's can hold a Jupyter server for ever.
            self.process.wait(8)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        """Give what the server has said."""
        return (self.folder / "server.log").read_text(errors="replace")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server past the browser."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def notebook(self, *cells: str, name: str = "test.ipynb") -> str:
        """Write a notebook and give its name."""
        import nbformat

        document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        document.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(document, self.root / name)
        return name

    def address(self, notebook: str, token: str = TOKEN) -> str:
        """Give the page of a notebook."""
        if self.app == "notebook":
            return f"{self.url}notebooks/{notebook}?token={token}"
        return f"{self.url}lab/tree/{notebook}?token={token}&reset"


def wait_for(look: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Look until there is something, and give it."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {deadline} s")


#: Open a document by its name. Gives nothing: a widget would be copied with all that hangs on it, which takes
#: half a minute on a busy machine.
OPEN_DOCUMENT = """async name => {
  await window.jupyterapp.commands.execute('docmanager:open', { path: name });
}"""

#: Tell in `window.saving` whether the notebook is being saved, by whomever.
NOTE_SAVES = """() => {
  const { saveState } = window.jupyterapp.shell.currentWidget.context;
  saveState.connect((_, state) => { window.saving = state === 'started'; });
}"""


def confirm(asks: Locator, yes: Locator) -> None:
    """Press a button and say yes; anew where the question had gone by itself before a slow page was ready."""

    def said() -> bool:
        if asks.is_visible():
            asks.click()
        asks.page.wait_for_timeout(400)  # Sooner it is the second half of a double click.
        try:
            yes.click(timeout=6000)
        except Late:
            return False
        return True

    wait_for(said, "the question")


def search_palette(page: Page, words: str) -> None:
    """Open the palette of commands and search in it; anew where a page that still starts has closed it."""

    def searched() -> bool:
        page.evaluate("window.jupyterapp.commands.execute('apputils:activate-command-palette')")
        try:
            page.locator("#modal-command-palette input").fill(words, timeout=10_000)
        except Late:
            return False
        return True

    wait_for(searched, "the palette")


@dataclass
class Notebook:
    """Drive an open notebook."""

    page: Page
    lab: Lab
    name: str

    def open(self) -> None:
        """Open the notebook, and wait for its kernel."""
        self.page.goto(self.lab.address(self.name))
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_function(
            """() => {
              const widget = window.jupyterapp.shell.currentWidget;
              return widget?.sessionContext?.session?.kernel?.status === 'idle';
            }"""
        )
        self.page.evaluate(NOTE_SAVES)

    def run_all(self) -> None:
        """Run every cell; returns at once."""
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("window.jupyterapp.shell.currentWidget.context.save()")

    def reload(self, token: str = TOKEN) -> None:
        """Load the page again, and wait for the notebook."""
        self.page.goto(self.lab.address(self.name, token))
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")

    def saved(self) -> dict[str, Any]:
        """Give the notebook as it is on disk."""

        def read() -> dict[str, Any] | None:
            try:
                document: dict[str, Any] = json.loads((self.lab.root / self.name).read_text())
            except ValueError:
                return None  # The server is just writing it.
            return document

        found: dict[str, Any] = wait_for(read, "a whole notebook")
        return found
