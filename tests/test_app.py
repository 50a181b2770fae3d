"""The extension in its server: configuration, light start, signs of life, orderly end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE, Person, messages, until
from live import running_server
from live import until as live_until
from tornado.httpclient import HTTPClientError
from traitlets.config import Config

import jupyter_research
from jupyter_research import app as app_module
from jupyter_research.app import ResearchApp
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def extension(jp_serverapp: Any) -> ResearchApp:
    """Give the extension as the server holds it."""
    (found,) = jp_serverapp.extension_manager.extension_apps["jupyter_research"]
    assert isinstance(found, ResearchApp)
    return found


def test_package_names_its_application() -> None:
    assert jupyter_research._jupyter_server_extension_points() == [
        {"module": "jupyter_research", "app": ResearchApp}
    ]


def test_every_setting_says_what_it_is_for() -> None:
    own = ResearchApp.class_own_traits(config=True)
    contract = {
        "researchers", "libraries", "models", "data_dir", "max_working_sessions", "max_working_per_owner",
        "max_queued_sessions", "max_sockets_per_owner", "max_events", "local_only", "auto_resume",
        "online_sources", "source_addresses", "private_hosts", "contact", "local_addresses",
    }  # fmt: skip
    assert contract <= set(own)
    for name, trait in own.items():
        assert len(trait.help) > 20, name


def test_start_imports_nothing_that_only_research_needs() -> None:
    code = """
import sys, warnings
warnings.simplefilter("ignore")
from jupyter_server.serverapp import ServerApp
app = ServerApp(jpserver_extensions={"jupyter_research": True}, open_browser=False, allow_root=True, port=0)
app.initialize(argv=[], new_httpserver=False)
assert "jupyter_research" in app.extension_manager.extension_apps
print("MODULES", *sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=DEADLINE * 2, cwd=REPOSITORY,
        env={**os.environ, "JUPYTER_CONFIG_DIR": os.devnull, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    modules = set(run.stdout.partition("MODULES")[2].split())
    assert "jupyter_research.app" in modules
    heavy = {
        "langgraph",
        "langchain",
        "langchain_core",
        "pypdf",
        "pypdfium2",
        "docx",
        "selectolax",
        "typst",
    }
    assert not heavy & modules
    parts = {name for name in modules if name.startswith("jupyter_research.")}
    allowed = {
        "access",
        "app",
        "bodies",
        "errors",
        "events",
        "handlers",
        "identity",
        "meter",
        "metrics",
        "report_handlers",
        "rest",
        "session_handlers",
        "sockets",
        "work",
        "report",
    }
    assert parts <= {f"jupyter_research.{name}" for name in (*allowed, "_version")}


def test_first_event_is_shown_while_the_sessions_thread_still_imports(tmp_path: Path) -> None:
    code = """
import sys, threading
from pathlib import Path
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

class Held:
    begun, go = threading.Event(), threading.Event()

    def find_spec(self, name, path=None, target=None):
        if name == "langgraph" or name.startswith("langgraph."):
            self.begun.set()
            self.go.wait(60)

folder, me = Path(sys.argv[1]), Caller(owner="local")
(folder / "a.md").write_text("# Tides\\n\\nThe tide rises because the moon pulls on the water.\\n")
runtime = Runtime(Settings(data_dir=folder / "data", root=folder))
runtime.open()
sys.meta_path.insert(0, Held())
session = runtime.start(me, {"topic": "tides", "options": {"analysts": 1}})[0]["session_id"]
assert Held.begun.wait(60), "nothing was imported"
assert not any(name.startswith("langgraph.graph") for name in sys.modules)
assert runtime.get(me, session)["state"] == "planning" and runtime.events(me, session)[0]
Held.go.set()
while runtime.get(me, session)["state"] != "completed":
    assert runtime.get(me, session)["state"] != "failed", runtime.get(me, session)["error"]
    runtime.wait(me, session, after=runtime.events(me, session)[1], timeout=1)
runtime.close()
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, timeout=DEADLINE * 2, cwd=REPOSITORY,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


async def test_nothing_is_opened_before_the_first_request(
    me: Person, extension: ResearchApp, data_dir: Path
) -> None:
    assert not data_dir.exists()
    assert extension.access is not None
    assert extension.access.opened is None
    assert extension.current_activity() is False
    await me.get("health")
    assert data_dir.exists()


async def test_many_first_requests_open_one_runtime(me: Person, extension: ResearchApp) -> None:
    answers = await asyncio.gather(*(me.get("health") for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert extension.access is not None
    assert extension.access.opened is await extension.access.runtime()


class TestConfigured:
    @pytest.fixture
    def research_config(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "papers").mkdir()
        return {
            "libraries": {"papers": str(tmp_path / "papers")},
            "max_working_sessions": 3,
            "max_working_per_owner": 2,
            "max_queued_sessions": 5,
            "max_sockets_per_owner": 7,
            "max_events": 500,
            "local_only": True,
            "carry_context": False,
        }

    async def test_settings_reach_the_runtime(
        self, me: Person, extension: ResearchApp, tmp_path: Path, data_dir: Path, jp_root_dir: Path
    ) -> None:
        await me.get("health")
        assert extension.access is not None
        assert extension.access.opened is not None
        settings = extension.access.opened.settings
        assert settings.data_dir == data_dir
        assert settings.root == jp_root_dir.resolve()
        assert settings.libraries == {"papers": (tmp_path / "papers").resolve()}
        limits = (
            settings.max_working_sessions,
            settings.max_working_per_owner,
            settings.max_queued_sessions,
            settings.max_sockets_per_owner,
            settings.max_events,
        )
        assert limits == (3, 2, 5, 7, 500)
        assert (settings.local_only, settings.auto_resume, settings.carry_context) == (True, False, False)
        assert "papers" in {item["name"] for item in (await me.get("libraries"))["libraries"]}


class TestMisconfigured:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        jp_server_config.ResearchApp.update(max_events=0, local_only=True)
        jp_server_config.ServerApp.reraise_server_extension_failures = False
        return jp_server_config

    async def test_wrong_setting_leaves_no_research_rather_than_one_without_settings(
        self, jp_fetch: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(HTTPClientError) as refused:
            await jp_fetch("research/api/health")
        assert refused.value.code == 404
        assert any("'max_events'" in record.getMessage() for record in caplog.get_records("setup"))


def test_named_servers_of_one_home_keep_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_SERVER_NAME", raising=False)
    assert Path(ResearchApp().data_dir).parts[-2:] == ("research", "default")
    monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", "gpu")
    assert Path(ResearchApp().data_dir).parts[-2:] == ("research", "gpu")
    monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", "../..")
    assert Path(ResearchApp().data_dir).parts[-2:] == ("research", "%2E%2E%2F%2E%2E")


class TestDisabled:
    @pytest.fixture
    def research_config(self) -> dict[str, Any]:
        return {"enabled": False}

    async def test_switched_off_every_path_says_so(self, jp_fetch: Any, data_dir: Path) -> None:
        for path in ("health", "sessions", "ws"):
            with pytest.raises(HTTPClientError) as refusal:
                await jp_fetch("research", "api", path)
            assert refusal.value.code == 404
            assert refusal.value.response is not None
            assert json.loads(refusal.value.response.body)["code"] == "switched_off"
        assert not data_dir.exists()


# -- signs of life ---------------------------------------------------------------------------------


async def test_server_is_active_while_a_session_works(
    me: Person, jp_serverapp: Any, extension: ResearchApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "_SIGN_OF_LIFE", 0.01)
    await jp_serverapp._post_start()
    long_ago = datetime.now(UTC) - timedelta(days=1)
    times = jp_serverapp.web_app.settings["last_activity_times"]
    session_id = (await me.start(researcher="slow"))["session_id"]
    await me.until(session_id, "researching")
    assert jp_serverapp.extension_manager.any_activity()
    times["jupyter_research"] = long_ago

    async def renewed() -> bool:
        return bool(times["jupyter_research"] > long_ago)

    await until(renewed)
    assert jp_serverapp.web_app.last_activity() >= times["jupyter_research"]
    await me.post(f"sessions/{session_id}/pause")
    assert not jp_serverapp.extension_manager.any_activity()
    times["jupyter_research"] = long_ago
    extension.tell_of_life()
    assert times["jupyter_research"] == long_ago


async def test_session_that_waits_for_a_person_holds_nothing_up(me: Person, jp_serverapp: Any) -> None:
    session_id = (await me.start(researcher="asks"))["session_id"]
    await me.until(session_id, "awaiting_approval")
    assert not jp_serverapp.extension_manager.any_activity()


# -- the end ---------------------------------------------------------------------------------------


async def test_stop_closes_sockets_and_leaves_sessions_to_be_resumed(
    me: Person, extension: ResearchApp, data_dir: Path
) -> None:
    session_id = (await me.start(researcher="slow"))["session_id"]
    await me.until(session_id, "researching")
    socket = await me.connect()
    await socket.write_message(json.dumps({"type": "join_session", "session_id": session_id}))
    await messages(socket, "session_joined")
    await extension.stop_extension()
    while await asyncio.wait_for(socket.read_message(), DEADLINE) is not None:
        pass
    assert socket.close_code == 1001
    later = Runtime(Settings(data_dir=data_dir))
    later.open()
    assert later.get(Caller(owner="local"), session_id)["state"] == "interrupted"
    later.close()


async def test_stop_of_a_server_without_research_is_nothing(extension: ResearchApp, data_dir: Path) -> None:
    await extension.stop_extension()
    await extension.stop_extension()
    assert not data_dir.exists()


async def test_request_during_the_stop_is_refused(me: Person, extension: ResearchApp) -> None:
    await extension.stop_extension()
    refused = await me.get("health", status=429)
    assert "shutting down" in refused["error"]


class TestAutoResume:
    @pytest.fixture
    def research_config(self) -> dict[str, Any]:
        return {"auto_resume": True}

    async def test_interrupted_session_goes_on_without_being_asked_for(
        self, me: Person, jp_serverapp: Any, data_dir: Path, tmp_path: Path
    ) -> None:
        researchers = {"slow": "jupyter_research.testing:slow"}
        earlier = Runtime(Settings(data_dir=data_dir, researchers=researchers))
        earlier.open()
        body = {"topic": "x", "researcher": "slow", "options": {"until": str(tmp_path / "go")}}
        session_id = earlier.start(Caller(owner="local"), body)[0]["session_id"]
        earlier.close()
        await jp_serverapp._post_start()
        assert jp_serverapp.extension_manager.any_activity()
        (tmp_path / "go").touch()
        assert (await me.until(session_id, "completed"))["attempt"] == 2


async def test_signals_of_a_process_that_is_not_the_servers_are_left_alone(jp_serverapp: Any) -> None:
    before = signal.getsignal(signal.SIGINT)
    await jp_serverapp._post_start()
    assert signal.getsignal(signal.SIGINT) is before


async def test_sigint_is_the_servers_stop_where_nobody_handles_it(
    extension: ResearchApp, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: dict[int, Any] = {
        signal.SIGTERM: jp_serverapp._signal_stop,
        signal.SIGINT: signal.default_int_handler,
    }

    def replace(number: int, handler: Any) -> Any:
        before, handlers[number] = handlers[number], handler
        return before

    monkeypatch.setattr(signal, "getsignal", handlers.__getitem__)
    monkeypatch.setattr(signal, "signal", replace)
    extension._stop_on_sigint()
    assert handlers[signal.SIGINT] == jp_serverapp._signal_stop
    await extension.stop_extension()
    assert handlers[signal.SIGINT] is signal.default_int_handler
    # At a terminal the server asks before it stops.
    handlers[signal.SIGINT] = jp_serverapp._handle_sigint
    extension._stop_on_sigint()
    assert handlers[signal.SIGINT] == jp_serverapp._handle_sigint


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_server_ends_soon_and_its_session_can_be_resumed(tmp_path: Path, number: int) -> None:
    with running_server(tmp_path) as server:
        body = {"topic": "x", "researcher": "slow", "options": {"seconds": 600}}
        session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
        server.process.send_signal(number)
        assert server.process.wait(DEADLINE) is not None
    with running_server(tmp_path) as server:
        assert server.session(session_id)["state"] == "interrupted"
        server.ask("POST", f"research/api/sessions/{session_id}/resume")
        server.ask("POST", f"research/api/sessions/{session_id}/cancel")


@pytest.mark.slow
def test_server_that_stops_when_idle_stays_for_a_session_at_work_and_not_for_one_that_waits(
    tmp_path: Path,
) -> None:
    (tmp_path / "first").mkdir()
    # Python runs it at its start. Once a minute, as the server looks, is long in a test; and a slow machine
    # would have its server stopped before the sessions have started.
    armed = tmp_path / "armed"
    (tmp_path / "first" / "sitecustomize.py").write_text(
        "from jupyter_server.serverapp import ServerApp, ioloop\n"
        "import pathlib\n"
        f"armed = pathlib.Path({str(armed)!r})\n"
        "def look(self):\n"
        "    stop = lambda: armed.exists() and self.shutdown_no_activity()\n"
        "    ioloop.PeriodicCallback(stop, 200).start()\n"
        "ServerApp.init_shutdown_no_activity = look\n"
    )
    idle = "--ServerApp.shutdown_no_activity_timeout=2"
    path = os.pathsep.join((str(tmp_path / "first"), str(REPOSITORY)))
    with running_server(tmp_path, idle, PYTHONPATH=path) as server:
        working, waiting = (
            server.ask("POST", "research/api/sessions", {"topic": "x", "researcher": name})["session_id"]
            for name in ("slow", "asks")
        )
        for session_id, state in ((working, "researching"), (waiting, "awaiting_approval")):
            live_until(lambda s=session_id, state=state: server.session(s)["state"] == state, state)
        armed.touch()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(5)
        server.ask("POST", f"research/api/sessions/{working}/cancel")
        begin = time.monotonic()
        while server.process.poll() is None:
            assert time.monotonic() - begin < DEADLINE, "the server did not stop"
            try:
                # As a card does that follows the session which waits.
                server.ask("GET", f"research/api/sessions/{waiting}/events")
            except OSError:
                pass  # It is stopping.
    with running_server(tmp_path) as server:
        assert server.session(waiting)["state"] == "awaiting_approval"
