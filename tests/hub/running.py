"""Run a real JupyterHub with its proxy, and come to its servers as its people do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import websocket
from live import DEADLINE, REPOSITORY, free_ports, until

#: The driver is an administrator's script; the namesake is a service that has a user's name.
SERVICES = {"driver": "a-token-of-the-service-0123456789", "alice": "a-token-of-the-namesake-0123456789"}
PEOPLE = ("alice", "bob", "carol")
#: Their servers are shared with others in the tests.
HOSTS = ("alice", "bob")

#: Seconds that a Hub or a server may take to start or to stop; it takes a twentieth on a quiet machine.
PATIENCE = 300

HUB_CONFIG = """
import sys
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.default_url = "/lab"
# By itself it would take a port that is free now, which somebody else may have when the server is up.
server_ports = dict(zip({hosts!r}, {server_ports!r}))
# A slow machine is given time; by itself the Hub would lose patience, and kill what is still stopping.
c.Spawner.start_timeout = c.Spawner.http_timeout = {patience}
c.LocalProcessSpawner.interrupt_timeout = {patience}
c.Spawner.environment = {{
    "PYTHONPATH": "{folder}/first:{repository}", "JUPYTERHUB_ACTIVITY_INTERVAL": "1",
    # In the place of /usr/local/share/jupyter.
    "JUPYTER_PATH": "{folder}/share", "COURSE": "{folder}/course",
    "JUPYTERLAB_SETTINGS_DIR": "{folder}/settings",
}}
def decide(spawner):
    spawner.disable_user_config = spawner.user.name == "bob"
    spawner.port = server_ports.get(spawner.user.name, 0)
c.Spawner.pre_spawn_hook = decide
c.JupyterHub.last_activity_interval = 1
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.services = [{{"name": name, "api_token": token}} for name, token in {services!r}.items()]
scopes = "admin:users admin:servers tokens shares access:servers list:users read:users:activity".split()
c.JupyterHub.load_roles = [
    {{"name": "drivers", "services": ["driver", "alice"], "scopes": scopes}},
    {{"name": "people", "users": {people!r}, "scopes": ["self"]}},
    {{"name": "guests", "users": ["carol"], "scopes": ["access:servers!user=alice"]}},
]
"""

#: Python runs it at its start: the folder of a test stands in the place of /etc/jupyter, last of all places.
FIRST = """
from jupyter_core import paths
paths.SYSTEM_CONFIG_PATH[:] = [{folder!r}]
"""

SERVER_CONFIG = """
import os
from jupyter_research import app, sockets
c = get_config()
# JupyterLab is seen on one of the servers; without it the others are up sooner.
lab = os.environ["JUPYTERHUB_USER"] == "alice"
c.ServerApp.jpserver_extensions = {
    "jupyter_research": True, "jupyterlab": lab, "jupyter_lsp": False, "notebook_shim": lab,
    "notebook": False, "jupyter_server_terminals": False,
}
c.ServerApp.allow_unauthenticated_access = False
c.LabApp.expose_app_in_browser = True
c.ResearchApp.researchers = {
    name: f"jupyter_research.testing:{name}" for name in ("steps", "slow", "asks")
}
c.ResearchApp.max_working_sessions = 6
# A folder of the course, read once for all by `jupyter research library index`.
c.ResearchApp.libraries = {"course": os.environ["COURSE"]}
# A minute, and five seconds, are long in a test.
sockets.SessionSocket.recheck_seconds = 1
app._SIGN_OF_LIFE = 0.5
"""


class Page(HTMLParser):
    """Read the fields of a form that asks to be sent back."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name"):
            self.fields.append((str(given["name"]), given.get("value") or ""))


class Hub:
    """Drive the Hub as its service, and its servers as anybody."""

    def __init__(self, port: int, folder: Path) -> None:
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.folder = folder
        self.tokens = dict(SERVICES, alice="", namesake=SERVICES["alice"])

    # -- the Hub ---------------------------------------------------------------------------------

    def ask(self, who: str, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request by token, and give status and JSON."""
        return answer(urllib.request.build_opener(), self.url + path, verb, body, _bearer(self.tokens[who]))

    def command(self, verb: str, path: str, body: Any = None) -> Any:
        """Command the Hub."""
        status, found = self.ask("driver", verb, f"/hub/api{path}", body)
        assert status < 300, (status, found)
        return found

    def invite(self, who: str, host: str = "alice") -> None:
        """Share a server, and give a token that the server's cache does not know."""
        self.command("POST", f"/shares/{host}/", {"user": who})
        self.renew(who)

    def renew(self, who: str) -> None:
        """Give a person a new token."""
        self.tokens[who] = self.command("POST", f"/users/{who}/tokens", {})["token"]

    def revoke(self, who: str, host: str = "alice") -> None:
        """Take a share back."""
        self.command("PATCH", f"/shares/{host}/", {"user": who})

    # -- the servers -----------------------------------------------------------------------------

    def serve(self, *hosts: str) -> None:
        """Have these servers running."""
        for host in hosts:
            if self.server(host) is None:
                self.command("POST", f"/users/{host}/server", {})
        for host in hosts:
            until(lambda host=host: self.server(host), f"the start of the server of {host}", PATIENCE)

    def server(self, host: str = "alice") -> dict[str, Any] | None:
        """Give what the Hub knows about a server, while it runs."""
        found: dict[str, Any] | None = self.command("GET", f"/users/{host}")["servers"].get("")
        return found if found is not None and found["ready"] else None

    def research(
        self, who: str, verb: str, path: str, body: Any = None, *, host: str = "alice"
    ) -> tuple[int, Any]:
        """Ask a server by token."""
        return self.ask(who, verb, f"/user/{host}/research/api/{path}", body)

    def start(
        self, who: str, researcher: str = "slow", *, host: str = "alice", **fields: Any
    ) -> dict[str, Any]:
        """Start a session on a server, and wait until it works or waits for as long as it is left alone."""
        body = {"topic": "x", "researcher": researcher, **fields}
        status, snapshot = self.research(who, "POST", "sessions", body, host=host)
        assert status == 202, snapshot
        state = {"slow": "researching", "asks": "awaiting_approval"}.get(researcher)
        return self.reach(who, snapshot["session_id"], state, host=host) if state else dict(snapshot)

    def reach(self, who: str, session_id: str, *states: str, host: str = "alice") -> dict[str, Any]:
        """Wait for a session to be in one of these states."""

        def look() -> Any:
            snapshot = self.research(who, "GET", f"sessions/{session_id}", host=host)[1]
            return snapshot if snapshot["state"] in states else None

        return dict(until(look, f"one of {states}"))

    def clear(self) -> None:
        """Delete everybody's sessions."""
        for host in HOSTS:
            for who in (*PEOPLE, "namesake"):
                status, found = self.research(who, "GET", "sessions", host=host)
                for session in found["sessions"] if status == 200 else ():
                    self.research(who, "DELETE", f"sessions/{session['session_id']}", host=host)

    def socket(self, who: str, *, host: str = "alice") -> websocket.WebSocket:
        """Open a socket by token."""
        header = [f"Authorization: token {self.tokens[who]}"]
        return websocket.create_connection(self.address(host), header=header, timeout=DEADLINE)

    def address(self, host: str = "alice") -> str:
        """Give the socket's address."""
        return f"ws://{self.host}/user/{host}/research/api/ws"

    def direct(self, host: str = "alice") -> str:
        """Give a server's own address, past the proxy, as its kernels know it."""
        [info] = self.folder.glob(f"homes/{host}/.local/share/jupyter/runtime/jpserver-*.json")
        return str(json.loads(info.read_text())["url"])


class Visitor:
    """Come by browser cookie: log in at the Hub, let the server's page lead through OAuth."""

    def __init__(self, hub: Hub, name: str, host: str = "alice") -> None:
        self.hub, self.host = hub, host
        self.jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self._read("/hub/login")
        # To the Hub's own page: by itself it would lead on to the visitor's server, which may have no pages.
        self._send(
            "/hub/login?next=/hub/home",
            [("username", name), ("password", ""), ("_xsrf", self.proof("/hub/"))],
        )
        address, text = self._read(f"/user/{host}/lab")
        if "oauth2/authorize" in address:
            # A guest is asked whether this server may know who it is.
            self._send(address.removeprefix(hub.url), Page(text).fields)

    def ask(
        self, verb: str, path: str, body: Any = None, *, proof: bool = True, **headers: str
    ) -> tuple[int, Any]:
        """Send a request as a page of the server does, or without the proof that it is one."""
        given = {"Sec-Fetch-Mode": "cors", **headers}
        if proof:
            given["X-XSRFToken"] = self.proof(f"/user/{self.host}/")
        url = f"{self.hub.url}/user/{self.host}/research/api/{path}"
        return answer(self._opener, url, verb, body, given)

    def socket(self, *, origin: str | None = None) -> websocket.WebSocket:
        """Open a socket as a page of `origin` does, by default of the server's own."""
        cookies = "; ".join(f"{one.name}={one.value}" for one in self.jar if self._is_sent(one.path))
        return websocket.create_connection(
            self.hub.address(self.host), cookie=cookies, origin=origin or self.hub.url, timeout=DEADLINE
        )

    def proof(self, path: str) -> str:
        """Give the cookie that pages repeat in a header."""
        [found] = [one.value for one in self.jar if one.name == "_xsrf" and one.path == path]
        return found or ""

    def _is_sent(self, path: str) -> bool:
        return f"/user/{self.host}/".startswith(path)

    def _read(self, path: str) -> tuple[str, str]:
        with self._opener.open(self.hub.url + path, timeout=DEADLINE) as page:
            return page.url, page.read().decode()

    def _send(self, path: str, fields: list[tuple[str, str]]) -> None:
        form = urllib.parse.urlencode(fields).encode()
        # The Hub takes forms from its own pages only.
        request = urllib.request.Request(self.hub.url + path, data=form)
        request.add_header("Referer", self.hub.url + path)
        with self._opener.open(request, timeout=DEADLINE) as page:
            page.read()


def answer(
    opener: urllib.request.OpenerDirector, url: str, verb: str, body: Any, headers: dict[str, str]
) -> tuple[int, Any]:
    """Send a request and give status and JSON, or the text where it is none."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=verb, headers=headers)
    request.add_header("Content-Type", "application/json")
    try:
        with opener.open(request, timeout=DEADLINE) as page:
            return page.status, _content(page.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _content(error.read())


def _content(text: bytes) -> Any:
    try:
        return json.loads(text or b"null")
    except ValueError:
        return text.decode()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"token {token}"}


@contextmanager
def running_hub(folder: Path) -> Iterator[Hub]:
    """Run a Hub until the end of the `with` block."""
    proxy = shutil.which("configurable-http-proxy")
    assert proxy is not None, "JupyterHub's proxy is missing: `make test` installs it into the environment"
    port, hub_port, proxy_port, *server_ports = free_ports(3 + len(HOSTS))
    config = HUB_CONFIG.format(
        port=port, hub_port=hub_port, proxy_port=proxy_port, proxy=proxy, folder=folder,
        repository=str(REPOSITORY), services=SERVICES, people=list(PEOPLE), patience=PATIENCE,
        hosts=HOSTS, server_ports=server_ports,
    )  # fmt: skip
    (folder / "hub.py").write_text(config)
    (folder / "etc").mkdir()
    (folder / "etc" / "jupyter_server_config.py").write_text(SERVER_CONFIG)
    (folder / "first").mkdir()
    (folder / "first" / "sitecustomize.py").write_text(FIRST.format(folder=str(folder / "etc")))
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(folder / "hub.py")],
            cwd=folder, env=clean_environment(), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        hub = Hub(port, folder)
        until(lambda: _answers(hub), "the start of the Hub", PATIENCE)
        yield hub
    finally:
        process.terminate()
        process.wait(PATIENCE)
        # A Hub that is stopped while it starts leaves its proxy behind.
        left = folder / "jupyterhub-proxy.pid"
        if left.exists():
            os.kill(int(left.read_text()), signal.SIGTERM)


def clean_environment() -> dict[str, str]:
    """Give the variables of a process that knows no Jupyter around it."""
    foreign = re.compile("JUPYTER|JPY_|PYTEST")
    return {name: value for name, value in os.environ.items() if not foreign.match(name)}


def _answers(hub: Hub) -> bool:
    try:
        return hub.ask("driver", "GET", "/hub/api/")[0] == 200
    except OSError:
        return False
