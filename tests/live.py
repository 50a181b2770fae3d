"""Run real Jupyter servers and kernels, each in a process of its own."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from jupyter_client import BlockingKernelClient
from jupyter_server.utils import unix_socket_in_use

REPOSITORY = Path(__file__).parent.parent
MIME = "application/vnd.jupyter-research.session+json"

#: How long to wait for what has to happen, in seconds: far more than it takes on a busy machine.
DEADLINE = 90


def until(look: Callable[[], Any], what: str = "it", seconds: float = DEADLINE) -> Any:
    """Look until there is something, and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in time")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Give the variables of a Jupyter that keeps everything in `folder` and knows no other."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY_", "IPYTHON", "PYTEST"))
    }
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    places = {name: str(folder / place) for name, place in folders.items()}
    return {**kept, **places, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "default", **more}


class Server:
    """Be a running Jupyter server."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
        self.process = process
        self.folder = folder
        self.root = folder / "root"
        self._log = log
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self.info: dict[str, Any] = until(self._read_info, "the start of the server")
        until(self._answers, "an answer of the server")

    def _read_info(self) -> Any:
        assert self.process.poll() is None, self._log.read_text()
        path = self.folder / "runtime" / f"jpserver-{self.process.pid}.json"
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            return None

    def _answers(self) -> bool:
        if self.info["sock"]:
            # The file is there from `bind` on, and refuses whoever comes before `listen`.
            return unix_socket_in_use(self.info["sock"])
        try:
            self.ask("GET", "api/status")
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    @property
    def url(self) -> str:
        """Give the address with the base URL."""
        return str(self.info["url"])

    @property
    def token(self) -> str:
        """Give the token."""
        return str(self.info["token"])

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """Send a request as the server's own user and give the JSON of the answer."""
        content = self._send(verb, path, body)
        return json.loads(content) if content else None

    def text(self, path: str) -> str:
        """Give what stands at a path."""
        return self._send("GET", path, None).decode()

    def _send(self, verb: str, path: str, body: Any) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=verb)
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"token {self.token}")
        elif self._proof():
            request.add_header("X-XSRFToken", self._proof())
        else:
            request.add_header("Cookie", "_xsrf=abcdef")
            request.add_header("X-XSRFToken", "abcdef")
        with self._opener.open(request, timeout=DEADLINE) as answer:
            content: bytes = answer.read()
        return content

    def log_in(self, password: str) -> None:
        """Come in as a browser does where there is no token."""
        with self._opener.open(self.url + "login", timeout=DEADLINE) as page:
            page.read()
        form = urllib.parse.urlencode({"password": password, "_xsrf": self._proof()}).encode()
        with self._opener.open(self.url + "login", data=form, timeout=DEADLINE) as page:
            page.read()

    def _proof(self) -> str:
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == "_xsrf"), "")

    def session(self, session_id: str) -> dict[str, Any]:
        """Give a session's state."""
        found: dict[str, Any] = self.ask("GET", f"research/api/sessions/{session_id}")
        return found

    def sessions(self) -> list[dict[str, Any]]:
        """Give all sessions, the newest first."""
        found: list[dict[str, Any]] = self.ask("GET", "research/api/sessions")["sessions"]
        return found

    def start_kernel(self, notebook: str = "note.ipynb", name: str = "python3") -> Kernel:
        """Start the kernel of a notebook, as a front end does."""
        body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": name}}
        kernel_id = self.ask("POST", "api/sessions", body)["kernel"]["id"]
        return Kernel(self.folder / "runtime" / f"kernel-{kernel_id}.json")


def free_ports(count: int) -> list[int]:
    """Give ports that nobody listens on, and that the system gives to nobody who asks for any."""
    ports = random.sample(range(20_000, 30_000), 10 * count)
    return [port for port in ports if _is_free(port)][:count]


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # As those do who will listen there.
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running_server(
    folder: Path,
    *options: str,
    extension: bool = True,
    token: str = "the-servers-own-secret",
    address: str = "--ip=127.0.0.1",
    port: int | None = 0,
    **more: str,
) -> Iterator[Server]:
    """Run a Jupyter server with the extension until the end of the `with` block."""
    (folder / "root").mkdir(parents=True, exist_ok=True)
    # The others would only make the start slower.
    others = ("jupyter_server_terminals", "jupyterlab", "jupyter_lsp", "notebook", "notebook_shim")
    enabled = {"jupyter_research": extension, **dict.fromkeys(others, False)}
    researchers = {name: f"jupyter_research.testing:{name}" for name in ("steps", "slow", "asks", "fails")}
    config = folder / "jupyter_server_config.json"
    config.write_text(
        json.dumps(
            {
                "ServerApp": {"jpserver_extensions": enabled, "allow_unauthenticated_access": False},
                "ResearchApp": {"researchers": researchers},
            }
        )
    )
    log = folder / "server.log"
    command = [
        *(sys.executable, "-m", "jupyter_server", f"--config={config}", "--no-browser", "--allow-root"),
        *(address, *([] if port is None else [f"--port={port}"]), f"--ServerApp.root_dir={folder / 'root'}"),
        *(f"--IdentityProvider.token={token}", "--ServerApp.base_url=/a%40b/", *options),
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(folder, **more),
            stdin=subprocess.DEVNULL,  # At a terminal SIGINT is a question.
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(process, folder, log)
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Run:
    """Hold what one run of a cell has given so far."""

    def __init__(self, msg_id: str) -> None:
        self.msg_id = msg_id
        self.messages: list[dict[str, Any]] = []

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Give the contents of the messages of a kind."""
        return [message["content"] for message in self.messages if message["msg_type"] == kind]

    @property
    def cards(self) -> list[dict[str, Any]]:
        """Give the cards that were displayed, as their bundles."""
        return [content["data"] for content in self.of("display_data") if MIME in content["data"]]

    @property
    def updates(self) -> list[dict[str, Any]]:
        """Give the bundles that have replaced cards since."""
        return [content["data"] for content in self.of("update_display_data")]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """Give the cards and what replaced them: a session may have ended before its card was displayed."""
        return [*self.cards, *self.updates]

    @property
    def text(self) -> str:
        """Give what was printed."""
        return "".join(content["text"] for content in self.of("stream"))

    @property
    def result(self) -> str | None:
        """Give the value of the last expression as text, where one was displayed."""
        results = self.of("execute_result")
        return str(results[0]["data"]["text/plain"]) if results else None

    @property
    def error(self) -> str | None:
        """Give the name and the text of the error, if there was one."""
        errors = self.of("error")
        return f"{errors[0]['ename']}: {errors[0]['evalue']}" if errors else None

    @property
    def session_id(self) -> str:
        """Give the id of the session on the only card."""
        (only,) = self.cards
        return str(only[MIME]["session_id"])


class Kernel:
    """Speak to a kernel as a front end does."""

    def __init__(self, connection_file: Path) -> None:
        self.id = connection_file.stem.removeprefix("kernel-")
        self.client = BlockingKernelClient(connection_file=str(connection_file))
        self.client.load_connection_file()
        self.client.start_channels(hb=False)
        self.client.wait_for_ready(timeout=DEADLINE)
        self._runs: dict[str, Run] = {}
        #: Everything that the kernel has published, whatever it belongs to.
        self.messages: list[dict[str, Any]] = []

    def begin(self, code: str, *, allow_stdin: bool = True, cell: str | None = None) -> Run:
        """Run a cell and come back at once."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content)
        message["metadata"] = {"cellId": cell} if cell else {}
        self.client.shell_channel.send(message)
        run = self._runs[message["msg_id"]] = Run(message["msg_id"])
        return run

    def run(self, code: str, *, ok: bool = True, allow_stdin: bool = True, cell: str | None = None) -> Run:
        """Run a cell to its end."""
        run = self.begin(code, allow_stdin=allow_stdin, cell=cell)
        until(lambda: self.read(0.2) or self.idle(run), "the end of the cell")
        if ok:
            assert run.error is None, "\n".join(run.of("error")[0]["traceback"])
            assert "UsageError" not in run.text, run.text
        return run

    def value(self, expression: str) -> Any:
        """Give the value of an expression that JSON can carry."""
        run = self.run(f"import json; print('VALUE' + json.dumps({expression}))")
        return json.loads(run.text.split("VALUE")[1])

    def read(self, timeout: float = 0.2) -> None:
        """Take in what the kernel has said."""
        while self.client.iopub_channel.msg_ready() or timeout:
            try:
                message = self.client.get_iopub_msg(timeout=timeout)
            except Exception:
                return
            timeout = 0
            self.messages.append(message)
            run = self._runs.get((message.get("parent_header") or {}).get("msg_id", ""))
            if run is not None:
                run.messages.append(message)

    def wait_for(self, look: Callable[[], Any], what: str = "it") -> Any:
        """Read until `look` finds something."""

        def read_and_look() -> Any:
            self.read()
            return look()

        return until(read_and_look, what)

    def help(self, code: str) -> str:
        """Run a cell and give the page of help that it opens."""
        run = self.run(code)

        def reply() -> Any:
            message = self.client.get_shell_msg(timeout=DEADLINE)
            return message if message["parent_header"].get("msg_id") == run.msg_id else None

        payload = until(reply, "the reply")["content"]["payload"]
        return "".join(str(item["data"]["text/plain"]) for item in payload if item["source"] == "page")

    def idle(self, run: Run) -> bool:
        """Tell whether the kernel is done with a cell."""
        return any(content["execution_state"] == "idle" for content in run.of("status"))

    def close(self) -> None:
        """Let go of the kernel."""
        self.client.stop_channels()
        self.client.context.destroy(linger=0)
