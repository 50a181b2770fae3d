"""Load every file that administrators copy from examples/deploy, as what it is for loads it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jupyter_server.serverapp import ServerApp
from jupyterhub.app import JupyterHub
from jupyterhub.roles import get_default_roles, scopes
from jupyterhub.spawner import Spawner
from live import DEADLINE, REPOSITORY, Server, environment, until
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from jupyter_research.app import ResearchApp

FOLDER = REPOSITORY / "examples" / "deploy"
PAGE = (REPOSITORY / "docs" / "howto" / "administrators.md").read_text(encoding="utf-8")

CLASSES = {"ResearchApp": ResearchApp, "ServerApp": ServerApp, "JupyterHub": JupyterHub, "Spawner": Spawner}


def load(name: str) -> Config:
    """Load a Python file of settings."""
    return PyFileConfigLoader(name, path=str(FOLDER)).load_config()


def values() -> dict[str, Any]:
    """Give the values of the Helm chart."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "zero-to-jupyterhub.yaml").read_text(encoding="utf-8"))
    return found


def check(config: Config) -> None:
    """Hold every setting of a configuration against the class that it is for."""
    for section, settings in config.items():
        for name, value in settings.items():
            trait = CLASSES[section].class_traits(config=True)[name]
            trait._validate(CLASSES[section](), value)


def test_every_file_has_its_place_on_the_page_and_every_place_its_file() -> None:
    named = set(re.findall(r"examples/deploy/([\w.-]+)", PAGE))
    assert named == {path.name for path in FOLDER.iterdir() if path.is_file()}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_settings_are_settings_that_there_are(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(path.name)
    assert config
    check(config)


def test_user_without_a_folder_on_the_local_disk_keeps_sessions_at_home() -> None:
    # On this machine nobody has one.
    assert "data_dir" not in load("jupyter_server_config.py").ResearchApp


#: What the chart's own schema takes where we set something; it refuses every other name.
CHART: dict[str, Any] = {
    "singleuser": {
        "image": {"name": str, "tag": str},
        "cpu": {"limit": (int, float), "guarantee": (int, float)},
        "memory": {"limit": (int, str), "guarantee": (int, str)},
        "extraFiles": {"research": {"mountPath": str, "data": dict}},
        "storage": {"extraVolumes": list, "extraVolumeMounts": list},
    },
    "hub": {"config": dict, "networkPolicy": {"enabled": bool}},
    "cull": {"enabled": bool, "timeout": int, "every": int, "maxAge": int},
}


def test_values_have_the_names_and_types_of_the_helm_charts_schema() -> None:
    def hold(given: Any, schema: Any) -> None:
        if not isinstance(schema, dict):
            assert isinstance(given, schema), given
            return
        assert given.keys() <= schema.keys()
        for name, value in given.items():
            hold(value, schema[name])

    hold(values(), CHART)


def test_settings_of_the_helm_chart_are_settings_that_there_are() -> None:
    given = values()
    file = given["singleuser"]["extraFiles"]["research"]
    assert file["mountPath"] == "/etc/jupyter/jupyter_server_config.json"
    check(Config(file["data"]))
    check(Config(given["hub"]["config"]))
    assert given["hub"]["config"]["Spawner"]["disable_user_config"] is True
    assert file["data"]["ResearchApp"]["libraries"]["course"] in {
        mount["mountPath"] for mount in given["singleuser"]["storage"]["extraVolumeMounts"]
    }
    # A server reports activity every five minutes: culled sooner, it would be taken at work.
    assert given["cull"]["timeout"] > 2 * 300


def test_roles_of_the_littlest_hub_have_scopes_that_there_are() -> None:
    config = load("littlest-jupyterhub.py")
    for role in config.JupyterHub.load_roles:
        for scope in role["scopes"]:
            assert scope.partition("!")[0] in scopes.scope_definitions
        assert role["name"] not in {default["name"] for default in get_default_roles()}
        assert set(role["groups"]) <= set(config.JupyterHub.load_groups)


def test_proxy_of_the_models_holds_no_key_and_serves_the_model_that_servers_ask_for() -> None:
    text = (FOLDER / "model-proxy.yaml").read_text(encoding="utf-8")
    proxy = yaml.safe_load(text)
    [model] = proxy["model_list"]
    secrets = (model["litellm_params"]["api_key"], *proxy["general_settings"].values())
    assert all(secret.startswith("os.environ/") for secret in secrets)
    block = next(text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "base_url" in text)
    config = Config()
    exec(block, {"c": config})
    check(config)
    [name] = config.ResearchApp.allowed_models
    asked = config.ResearchApp.models[name]["model"]
    assert asked == f"openai:{model['model_name']}"


def test_every_setting_is_decided_for_everybody_or_left_to_each_server() -> None:
    table = PAGE.partition("| what | settings |")[2].partition("\n\n")[0]
    for_everybody = set(re.findall(r"`(\w+)`", table))
    of_a_server = {
        "enabled", "researchers", "data_dir", "contact", "auto_resume", "carry_context", "capture_output",
    }  # fmt: skip
    assert for_everybody | of_a_server == set(ResearchApp.class_own_traits(config=True))
    assert not for_everybody & of_a_server


@contextmanager
def proxy(known: set[str]) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """Stand in for the proxy of the models: note what is asked of it."""
    asked: list[tuple[str, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, wish))
            allowed = self.headers["Authorization"] == "Bearer sk-master"
            again = self.path == "/user/new" and wish["user_id"] in known
            known.add(wish["user_id"])
            self.send_response(401 if not allowed else 409 if again else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"key": f"sk-of-{wish['user_id']}"}).encode())

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_hub_gives_each_server_a_key_of_its_users_own_and_each_user_one_budget(
    monkeypatch: pytest.MonkeyPatch, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> None:
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-master")
    with proxy(set()) as (address, asked):
        monkeypatch.setenv("MODEL_PROXY", address)
        hook = load("model_proxy_keys.py").Spawner.pre_spawn_hook
        for name in ("alice", "bob", "alice"):
            spawner = SimpleNamespace(user=SimpleNamespace(name=name), environment={})
            jp_asyncio_loop.run_until_complete(hook(spawner))
            assert spawner.environment == {"OPENAI_API_KEY": f"sk-of-{name}"}
    assert {wish["max_budget"] for path, wish in asked if path == "/user/new"} == {5.0}
    assert not [wish for path, wish in asked if path == "/key/generate" and "max_budget" in wish]


@pytest.mark.slow
def test_server_runs_with_the_settings_and_tells_its_log_of_sessions_as_json(tmp_path: Path) -> None:
    text = (FOLDER / "jupyter_server_config.py").read_text(encoding="utf-8")
    for place, stand_in in (("/var/local/research", "research"), ("/srv/course", "course")):
        assert place in text
        text = text.replace(place, str(tmp_path / stand_in))
    (tmp_path / "course").mkdir()
    (tmp_path / "research" / "all").mkdir(parents=True)
    (tmp_path / "course" / "tides.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
    (tmp_path / "jupyter_server_config.py").write_text(text)
    (tmp_path / "root").mkdir()
    log = tmp_path / "server.log"
    command = [
        *(sys.executable, "-m", "jupyter_server", f"--config={tmp_path / 'jupyter_server_config.py'}"),
        *("--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1", "--IdentityProvider.token=secret"),
        f"--ServerApp.root_dir={tmp_path / 'root'}",
        "--ServerApp.jpserver_extensions=jupyter_research=True",
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(tmp_path), stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        server = Server(process, tmp_path, log)
        options = {"sources": ["course"], "analysts": 1, "turns": 1}
        body = {"topic": "what causes heliotropes and tides?", "options": options}
        session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
        until(lambda: server.session(session_id)["state"] == "completed", "the end of the session")
        assert server.session(session_id)["options"]["local_only"] is True
    finally:
        process.terminate()
        process.wait(DEADLINE)
    assert (tmp_path / "research" / "all" / "default" / "research.sqlite").exists()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"time"')]
    states = [line["state"] for line in lines if line.get("session_id") == session_id]
    assert states[0] == "queued" and states[-1] == "completed"
    assert "heliotropes" not in log.read_text()
