"""Find servers, and command sessions as a kernel does."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import passwd
from live import Server, environment, running_server, until

from jupyter_research import errors
from jupyter_research._version import __version__
from jupyter_research.client import NoCredential, ServerClient, Session, connect, find
from jupyter_research.client import Server as Found
from jupyter_research.client import session as session_module
from jupyter_research.client.server import check_version
from jupyter_research.events import initial
from jupyter_research.export import export
from jupyter_research.report import Citation, Claim, Report, Section, Source


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> ServerClient:
    return ServerClient(Found(url=server.url, token=server.token))


@pytest.fixture
def kernel_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let this process stand where a server's kernel would."""

    def stand(server: Server) -> None:
        for name in list(os.environ):
            if name.startswith(("JUPYTER", "JPY_")):
                monkeypatch.delenv(name)
        kept = environment(server.folder)
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", kept["JUPYTER_RUNTIME_DIR"])
        monkeypatch.setenv("JUPYTER_DATA_DIR", kept["JUPYTER_DATA_DIR"])
        monkeypatch.setenv("JPY_PARENT_PID", str(server.process.pid))

    return stand


def write_info(folder: Path, pid: int = 4242, **info: Any) -> dict[str, str]:
    """Write the file of a server, and give the variables of its kernels."""
    common = {
        "base_url": "/",
        "hostname": "localhost",
        "port": 8888,
        "secure": False,
        "sock": "",
        "token": "t",
    }
    content = {**common, "pid": pid, "root_dir": "/work", "url": "http://localhost:8888/", **info}
    (folder / f"jpserver-{pid}.json").write_text(json.dumps(content))
    return {"JUPYTER_RUNTIME_DIR": str(folder), "JPY_PARENT_PID": str(pid)}


# -- finding a server --------------------------------------------------------------------------


def test_the_variables_of_our_own_come_first(tmp_path: Path) -> None:
    env = write_info(tmp_path)
    found = find({**env, "JUPYTER_RESEARCH_URL": "https://there:1/x", "JUPYTER_RESEARCH_TOKEN": "mine"})
    assert found == Found(url="https://there:1/x/", token="mine")


@pytest.mark.skipif(os.name == "nt", reason="kernels do not get their parent's id there")
def test_the_server_is_the_one_that_started_the_kernel(tmp_path: Path) -> None:
    write_info(tmp_path, pid=1, url="http://localhost:1/")
    env = write_info(tmp_path, pid=4242, base_url="/user/ann/", url="http://localhost:8888/user/ann/")
    found = find(env)
    assert found is not None
    assert (found.url, found.token, found.pid) == ("http://localhost:8888/user/ann/", "t", 4242)


def test_another_server_is_never_taken(tmp_path: Path) -> None:
    write_info(tmp_path, pid=os.getpid())
    env = {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
    assert find({**env, "JPY_PARENT_PID": "4343"}) is None
    assert find(env) is None
    assert (tmp_path / f"jpserver-{os.getpid()}.json").exists()


def test_a_file_left_by_another_server_of_that_number_is_not_taken(tmp_path: Path) -> None:
    env = write_info(tmp_path)
    (tmp_path / "jpserver-4242.json").write_text("{")
    assert find(env) is None
    (tmp_path / "jpserver-4242.json").write_text('{"pid": 7}')
    assert find(env) is None


def test_a_file_that_somebody_else_has_planted_in_a_common_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a cell asks would go to whoever listens at the address in it.
    env = write_info(tmp_path, token="theirs")
    file = tmp_path / "jpserver-4242.json"
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(file).st_uid + 1)
    file.chmod(0o644)
    assert find(env) is None
    # A network file system that shows another owner; nobody else could read it.
    file.chmod(0o600)
    assert find(env) is not None
    # Root reads everybody's.
    file.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((0o600, 0, 0, 1, 1000, 0, 0, 0, 0, 0)))
    assert find(env) is None


@pytest.mark.parametrize(
    ("hostname", "url", "reached"),
    [
        ("0.0.0.0", "http://box-1:9/nb/", "http://127.0.0.1:9/nb/"),
        ("", "http://box-1:9/nb/", "http://127.0.0.1:9/nb/"),
        ("*", "http://box-1:9/nb/", "http://127.0.0.1:9/nb/"),
        ("::", "http://box-1:9/nb/", "http://[::1]:9/nb/"),
        ("10.0.0.7", "http://10.0.0.7:9/nb/", "http://10.0.0.7:9/nb/"),
    ],
)
def test_a_server_on_every_interface_is_reached_at_the_loopback(
    tmp_path: Path, hostname: str, url: str, reached: str
) -> None:
    env = write_info(tmp_path, hostname=hostname, url=url, base_url="/nb/", port=9)
    found = find(env)
    assert found is not None
    assert found.url == reached


def test_without_a_file_the_hub_says_where_it_is() -> None:
    env = {
        "JPY_PARENT_PID": "4343",
        "JUPYTER_RUNTIME_DIR": os.devnull,
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/ann/",
        "JUPYTERHUB_API_TOKEN": "hub",
    }
    assert find(env) == Found(url="http://127.0.0.1:8888/user/ann/", token="hub")


def test_the_runtime_folder_is_known_without_jupyter_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_core", None)
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    (tmp_path / "runtime").mkdir()
    write_info(tmp_path / "runtime")
    assert find({"JPY_PARENT_PID": "4242", "JUPYTER_DATA_DIR": str(tmp_path)}) is not None


def test_a_token_is_not_shown_with_its_server() -> None:
    assert "hidden" not in repr(Found(url="http://localhost/", token="hidden"))


# -- reaching it -------------------------------------------------------------------------------


def test_a_kernel_reaches_its_own_server(server: Server, kernel_of: Any) -> None:
    kernel_of(server)
    client = connect()
    assert client.where == "server"
    assert client.health()["version"] == __version__


def test_a_proxy_of_the_environment_is_not_asked_for_the_loopback(
    server: Server, kernel_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_of(server)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert connect().health()["status"] == "healthy"


def test_a_server_behind_a_unix_socket_is_reached(tmp_path: Path, kernel_of: Any) -> None:
    with running_server(tmp_path, address=f"--ServerApp.sock={tmp_path / 's'}", port=None) as server:
        kernel_of(server)
        client = connect()
        snapshot = client.start({"topic": "is a socket enough?", "researcher": "steps"})
        assert Session(client, snapshot).wait(90).state == "completed"


def test_a_server_on_every_interface_is_reached(tmp_path: Path, kernel_of: Any) -> None:
    with running_server(tmp_path, address="--ip=0.0.0.0") as server:
        kernel_of(server)
        found = find()
        assert found is not None
        assert found.url.startswith("http://127.0.0.1:")
        assert connect().health()["status"] == "healthy"


def test_a_server_without_the_extension_is_told_in_one_sentence(tmp_path: Path, kernel_of: Any) -> None:
    with running_server(tmp_path, extension=False) as server:
        kernel_of(server)
        with pytest.raises(errors.ServerNotFound) as caught:
            connect()
        sentence = str(caught.value)
        assert "does not have jupyter_research" in sentence
        assert f"{sys.executable} -m pip install jupyter_research" in sentence
        assert "--in-kernel" in sentence
        assert server.token not in sentence


def test_a_server_that_is_gone_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RESEARCH_URL", "http://127.0.0.1:9/")
    with pytest.raises(errors.ServerNotFound, match=r"does not answer.*JUPYTER_RESEARCH_URL"):
        connect()


def test_a_wrong_token_is_told_in_one_sentence(server: Server) -> None:
    client = ServerClient(Found(url=server.url, token="wrong"))
    with pytest.raises(errors.ServerRefused, match=r"refused this kernel's token.*JUPYTER_RESEARCH_TOKEN"):
        client.health()


def test_a_server_with_a_password_only_leaves_it_to_the_browser(tmp_path: Path, kernel_of: Any) -> None:
    password = f"--PasswordIdentityProvider.hashed_password={passwd('secret')}"
    with running_server(tmp_path, password, token="") as server:
        kernel_of(server)
        with pytest.raises(NoCredential):
            connect()


def test_a_server_open_to_all_takes_commands(tmp_path: Path, kernel_of: Any) -> None:
    with running_server(tmp_path, token="") as server:
        kernel_of(server)
        client = connect()
        assert client.start({"topic": "may I?", "researcher": "steps"})["topic"] == "may I?"


def test_another_version_is_told_with_the_command_and_the_place() -> None:
    server = Found(url="http://localhost/", token="t")
    check_version(server, __version__)
    with pytest.raises(
        errors.ServerRefused, match=r"has jupyter_research 99\.1\.2 and this kernel"
    ) as caught:
        check_version(server, "99.1.2")
    assert "`%pip install jupyter_research==99.1.2` in this notebook" in str(caught.value)


# -- commands ----------------------------------------------------------------------------------


def test_a_session_goes_its_way(client: ServerClient) -> None:
    snapshot, created = client.submit({"topic": "which way?", "researcher": "steps", "key": "k"})
    assert created
    again, created = client.submit({"topic": "which way?", "researcher": "steps", "key": "k"})
    assert not created
    assert again["session_id"] == snapshot["session_id"]
    session = Session(client, snapshot).wait(90)
    assert session.state == "completed"
    assert session.report.topic == "which way?"
    assert session.report.text.startswith("# ")
    assert [event["seq"] for event in session.events()] == list(range(1, session.known["last_seq"] + 1))
    assert [item["session_id"] for item in client.list("completed", 200)].count(session.id) == 1
    session.delete()
    with pytest.raises(errors.SessionNotFound):
        client.get(session.id)


def test_every_error_comes_back_as_what_it_was(client: ServerClient) -> None:
    with pytest.raises(errors.SessionNotFound):
        client.get("0" * 32)
    with pytest.raises(errors.InvalidRequest):
        client.start({"topic": ""})
    snapshot = client.start({"topic": "t", "researcher": "asks"})
    until(lambda: client.get(snapshot["session_id"])["state"] == "awaiting_approval")
    with pytest.raises(errors.StaleVersion):
        client.approve(snapshot["session_id"], 99)
    with pytest.raises(errors.NotReady):
        client.report(snapshot["session_id"])
    client.cancel(snapshot["session_id"])
    with pytest.raises(errors.WrongState):
        client.approve(snapshot["session_id"], 1)


def test_a_request_for_events_is_held_until_there_is_one(client: ServerClient, tmp_path: Path) -> None:
    body = {"topic": "t", "researcher": "slow", "options": {"until": str(tmp_path / "stop")}}
    snapshot = client.start(body)
    session_id = snapshot["session_id"]
    until(lambda: client.get(session_id)["step"] == "WORK")
    last = client.get(session_id)["last_seq"]
    assert client.events(session_id, after=last) == ([], last)
    (tmp_path / "stop").touch()
    events, _ = client.events(session_id, after=last, wait=25)
    assert events[0]["seq"] == last + 1


def test_following_tells_each_state_once_and_ends(client: ServerClient) -> None:
    session = Session(client, client.start({"topic": "t", "researcher": "steps"}))
    seen = list(session.follow(90))
    assert seen[-1][0]["state"] == "completed"
    seqs = [event["seq"] for _, events in seen for event in events]
    assert seqs == sorted(set(seqs))
    assert [snapshot["state"] for snapshot, _ in session.follow(90)] == ["completed"]


def test_a_follow_over_time_says_what_the_session_is_doing(client: ServerClient, tmp_path: Path) -> None:
    body = {"topic": "t", "researcher": "slow", "options": {"until": str(tmp_path / "stop")}}
    session = Session(client, client.start(body))
    with pytest.raises(TimeoutError, match="still researching"):
        session.wait(0.2)
    session.cancel()
    with pytest.raises(errors.NotReady, match="it is cancelled"):
        _ = session.report


def test_a_failed_session_says_why_it_has_no_report(client: ServerClient) -> None:
    session = Session(client, client.start({"topic": "t", "researcher": "fails"}))
    assert session.wait(90).state == "failed"
    with pytest.raises(errors.NotReady, match="it failed: "):
        _ = session.report


def test_a_citation_of_no_known_source_is_left_out_of_the_table_of_claims() -> None:
    known, unknown = (Citation(source=name, start=0, end=2, quote="It") for name in ("a", "b"))
    claim = Claim(id="c", text="It is.", citations=(known, unknown))
    source = Source(id="a", number=1, kind="text", title="A")
    report = Report(title="T", sections=(Section(heading="One", claims=(claim,)),), sources=(source,))

    class Reports:
        def get(self, session_id: str) -> dict[str, Any]:
            return {**initial(session_id), "report_available": True}

        def report(self, session_id: str, format: str, partial: bool) -> bytes:
            return export(report, format)

    session = Session(Reports(), initial("ab" * 16))  # type: ignore[arg-type]
    (row,) = getattr(session.claims, "to_dict", lambda kind: session.claims)("records")
    assert (row["sources"], row["quotes"]) == ([1], ["It"])


def test_tables_are_data_frames_where_pandas_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    records = [{"a": 1}]
    table = session_module.table(records)
    assert isinstance(table, pandas.DataFrame)
    assert table.to_dict("records") == records
    monkeypatch.setattr(session_module, "find_spec", lambda name: None)
    assert session_module.table(records) is records
