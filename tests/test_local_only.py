"""Try to leave a local-only session by every way there is; nothing may arrive."""

from __future__ import annotations

import _thread
import asyncio
import contextvars
import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_analysts import PAPERS, TOPIC

from jupyter_research import clear_session_context, session_context, set_session_context
from jupyter_research.errors import InvalidRequest
from jupyter_research.guard import LocalOnly, Restraint, watch
from jupyter_research.runtime import OnlineSettings, Runtime, Settings
from jupyter_research.testing import KEYS, FakeWeb
from jupyter_research.testing.chat import ChatServer, Scholar
from jupyter_research.work import Caller

ME = Caller(owner="local")


@pytest.fixture
def fake() -> Iterator[FakeWeb]:
    with FakeWeb() as web:
        yield web


@pytest.fixture
def open_runtime(tmp_path: Path, fake: FakeWeb) -> Iterator[Callable[..., Runtime]]:
    opened = []

    def start(**settings: Any) -> Runtime:
        folder = tmp_path / "root"
        folder.mkdir(exist_ok=True)
        for name, text in PAPERS.items():
            (folder / name).write_text(text, encoding="utf-8")
        online = OnlineSettings(addresses=fake.addresses, private_hosts=frozenset({fake.host}))
        runtime = Runtime(Settings(data_dir=tmp_path / "data", root=folder, online=online, **settings))
        runtime.open()
        opened.append(runtime)
        return runtime

    yield start
    for runtime in opened:
        runtime.close()


def run(runtime: Runtime, function: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Run a function in a session to its end, and give report and snapshot in one."""
    runtime.register_function("mine", function)
    return finish(runtime, {"topic": "x", "researcher": "mine", "options": options})


def until(runtime: Runtime, session_id: str, *states: str) -> Any:
    end = time.monotonic() + 90
    while (state := runtime.get(ME, session_id))["state"] not in states:
        assert time.monotonic() < end and not (state["state"] == "failed" and "failed" not in states), state
        time.sleep(0.01)
    return state


def finish(runtime: Runtime, body: dict[str, Any]) -> dict[str, Any]:
    session_id = runtime.start(ME, body)[0]["session_id"]
    state = until(runtime, session_id, "completed", "failed")
    if state["state"] == "failed":
        return {"error": state["error"]}
    return {**state, **runtime.report(ME, session_id).to_json()}


def tried(way: Callable[[FakeWeb], Any], fake: FakeWeb) -> Callable[[str], str]:
    """Make a researcher that goes one way and says what became of it."""

    def researcher(topic: str) -> str:
        try:
            way(fake)
        except BaseException as error:
            return f"refused: {error!r}"
        return "it went through"

    return researcher


def port(fake: FakeWeb) -> int:
    return int(fake.host.rpartition(":")[2])


def plain_socket(fake: FakeWeb) -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", port(fake)))
        one.sendall(b"GET /pages/leak HTTP/1.0\r\n\r\n")


def nonblocking(fake: FakeWeb) -> None:
    with socket.socket() as one:
        assert one.connect_ex(("127.0.0.1", port(fake))) == 0
        one.sendall(b"GET /pages/leak HTTP/1.0\r\n\r\n")


def by_urllib(fake: FakeWeb) -> None:
    urllib.request.urlopen(fake.page("leak"), timeout=5).close()


def by_httpx(fake: FakeWeb) -> None:
    httpx.get(fake.page("leak"), trust_env=False)


def by_name_server(fake: FakeWeb) -> None:
    socket.getaddrinfo("secret-data.example.org", 80)


def by_old_name_server(fake: FakeWeb) -> None:
    socket.gethostbyname("secret-data.example.org")


def datagram(fake: FakeWeb) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"leak", ("127.0.0.1", port(fake)))


def datagram_message(fake: FakeWeb) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendmsg([b"leak"], [], 0, ("127.0.0.1", port(fake)))


def listen(fake: FakeWeb) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def socket_file(fake: FakeWeb) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("/run/no-docker.sock")


def command(fake: FakeWeb) -> None:
    subprocess.run([sys.executable, "-c", f"import urllib.request as u; u.urlopen({fake.page('leak')!r})"])


def shell(fake: FakeWeb) -> None:
    os.system(f"{sys.executable} -c 'pass'")


def posix_spawn(fake: FakeWeb) -> None:
    os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", "pass"], os.environ), 0)


def fork(fake: FakeWeb) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def execute(fake: FakeWeb) -> None:
    os.execv(sys.executable, [sys.executable, "-c", "pass"])


def child_of_multiprocessing(fake: FakeWeb) -> None:
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()


def loop(fake: FakeWeb) -> None:
    async def connect() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port(fake))
        writer.write(b"GET /pages/leak HTTP/1.0\r\n\r\n")
        await writer.drain()

    asyncio.run(connect())


def thread_of_loop(fake: FakeWeb) -> None:
    asyncio.run(asyncio.to_thread(by_urllib, fake))


def empty_context(fake: FakeWeb) -> None:
    contextvars.Context().run(by_urllib, fake)


def without_its_session(fake: FakeWeb) -> None:
    clear_session_context()
    by_urllib(fake)


def under_another_name(fake: FakeWeb) -> None:
    set_session_context("another")
    by_urllib(fake)


def under_another_name_in_a_block(fake: FakeWeb) -> None:
    with session_context("another"):
        by_urllib(fake)


def raised(start: Callable[[Callable[[], None]], None], fake: FakeWeb) -> None:
    """Go the plain way in another thread and raise here what was raised there."""
    found: list[BaseException | None] = []
    done = threading.Event()

    def work() -> None:
        try:
            by_urllib(fake)
            found.append(None)
        except BaseException as error:
            found.append(error)
        finally:
            done.set()

    start(work)
    assert done.wait(30)
    if found[0] is not None:
        raise found[0]


def thread(fake: FakeWeb) -> None:
    raised(lambda work: threading.Thread(target=work).start(), fake)


def thread_of_an_empty_context(fake: FakeWeb) -> None:
    def start(work: Callable[[], None]) -> None:
        contextvars.Context().run(threading.Thread(target=work).start)

    raised(start, fake)


def raw_thread(fake: FakeWeb) -> None:
    raised(lambda work: _thread.start_new_thread(work, ()), fake)


def timer(fake: FakeWeb) -> None:
    raised(lambda work: threading.Timer(0, work).start(), fake)


def pool(fake: FakeWeb) -> None:
    with ThreadPoolExecutor(1) as workers:
        workers.submit(by_urllib, fake).result()


def pool_under_another_name(fake: FakeWeb) -> None:
    with ThreadPoolExecutor(1) as workers:
        workers.submit(under_another_name, fake).result()


def pool_without_its_session(fake: FakeWeb) -> None:
    with ThreadPoolExecutor(1) as workers:
        workers.submit(without_its_session, fake).result()


def pool_of_threads(fake: FakeWeb) -> None:
    with ThreadPool(1) as workers:
        workers.apply(by_urllib, (fake,))


WAYS = [
    plain_socket, nonblocking, by_urllib, by_httpx, by_name_server, by_old_name_server, datagram,
    datagram_message, listen, socket_file, command, shell, posix_spawn, fork, execute,
    child_of_multiprocessing, loop, thread_of_loop, empty_context, without_its_session, thread,
    thread_of_an_empty_context, raw_thread, timer, pool, pool_of_threads, under_another_name,
    under_another_name_in_a_block, pool_under_another_name, pool_without_its_session,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_local_only_session_does_not_get_out(
    way: Callable[[FakeWeb], Any], open_runtime: Callable[..., Runtime], fake: FakeWeb
) -> None:
    report = run(open_runtime(), tried(way, fake), local_only=True)
    assert "local only" in report["markdown"]
    assert report["made"]["guard"] != "Python-level guard: 0 connections refused"
    assert report["made"]["guard"] in report["message"]
    assert fake.asked == []


def test_pool_that_others_started_lets_no_local_session_out(
    open_runtime: Callable[..., Runtime], fake: FakeWeb
) -> None:
    with ThreadPoolExecutor(1) as shared:
        shared.submit(int).result()
        local = tried(lambda fake: shared.submit(by_urllib, fake).result(), fake)
        assert "local only" in run(open_runtime(), local, local_only=True)["markdown"]
        assert fake.asked == []
        # And the worker that a local-only session has used is as free as before.
        shared.submit(urllib.request.urlopen, fake.page("mills.html")).result().close()
    assert len(fake.asked) == 1


def test_connection_that_another_session_has_kept_alive_is_not_used(
    open_runtime: Callable[..., Runtime], fake: FakeWeb
) -> None:
    runtime = open_runtime()
    kept: dict[str, Any] = {
        "old": http.client.HTTPConnection(fake.host),
        # It takes a write that fails for the server's answer being near, and waits for that.
        "new": httpx.Client(trust_env=False, timeout=1),
    }

    def other(topic: str) -> str:
        kept["old"].request("GET", "/pages/mills.html")
        kept["old"].getresponse().read()
        return str(kept["new"].get(fake.page("mills.html"), timeout=60).status_code)

    assert "200" in run(runtime, other)["markdown"]
    for way in (
        lambda fake: kept["old"].request("GET", "/pages/leak"),
        lambda fake: kept["new"].get(fake.page("leak")),
        lambda fake: kept["old"].sock.sendmsg([b"leak"]),
    ):
        report = run(runtime, tried(way, fake), local_only=True)
        assert "refused:" in report["markdown"]
        assert report["made"]["guard"] == "Python-level guard: 1 connection refused"
    assert len(fake.asked) == 2
    for client in kept.values():
        client.close()


def test_thread_that_outlives_its_session_does_not_get_out(
    open_runtime: Callable[..., Runtime], fake: FakeWeb
) -> None:
    go, done = threading.Event(), threading.Event()
    said: list[str] = []

    def late() -> None:
        go.wait(60)
        said.append(tried(by_urllib, fake)(""))
        done.set()

    def researcher(topic: str) -> str:
        threading.Thread(target=late, daemon=True).start()
        return "done"

    run(open_runtime(), researcher, local_only=True)
    go.set()
    assert done.wait(60)
    assert "local only" in said[0] and fake.asked == []


def test_others_go_on_while_a_session_is_local_only(
    open_runtime: Callable[..., Runtime], fake: FakeWeb
) -> None:
    runtime = open_runtime()
    inside, leave = threading.Event(), threading.Event()

    def waits(topic: str) -> str:
        inside.set()
        leave.wait(60)
        return "waited"

    runtime.register_function("waits", waits)
    body = {"topic": "x", "researcher": "waits", "options": {"local_only": True}}
    session_id = runtime.start(ME, body)[0]["session_id"]
    assert inside.wait(60)
    try:
        by_urllib_page = tried(lambda fake: urllib.request.urlopen(fake.page("mills.html")).close(), fake)
        assert "went through" in run(runtime, by_urllib_page)["markdown"]
        assert by_urllib_page("") == "it went through"
        assert subprocess.run([sys.executable, "-c", "pass"]).returncode == 0
    finally:
        leave.set()
    while runtime.get(ME, session_id)["state"] != "completed":
        time.sleep(0.01)
    assert len(fake.asked) == 2
    assert runtime.report(ME, session_id).made["guard"].endswith(" 0 connections refused")


def test_listed_address_is_reached_by_number_and_by_name(
    open_runtime: Callable[..., Runtime], fake: FakeWeb
) -> None:
    runtime = open_runtime(local_addresses=(f"localhost:{port(fake)}",))

    def asks(topic: str) -> str:
        for host in ("localhost", "127.0.0.1"):
            urllib.request.urlopen(f"http://{host}:{port(fake)}/pages/mills.html").close()
        return tried(lambda fake: socket.create_connection(("127.0.0.1", 9), timeout=5), fake)("")

    report = run(runtime, asks, local_only=True)
    assert len(fake.asked) == 2
    assert "port 9 was refused" in report["markdown"]
    assert report["made"]["guard"] == "Python-level guard: 1 connection refused"


@pytest.mark.parametrize(
    ("provider", "path"), [("openai", "/v1"), ("anthropic", ""), ("google_genai", ""), ("ollama", "")]
)
def test_model_on_this_machine_is_reached_and_nothing_else(
    open_runtime: Callable[..., Runtime], monkeypatch: pytest.MonkeyPatch, provider: str, path: str
) -> None:
    # What names a proxy for all the rest does not send this one's texts away.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with ChatServer(Scholar()) as server:
        entry = {"model": f"{provider}:scripted", "base_url": f"{server.url}{path}", "key": "scripted"}
        runtime = open_runtime(models={"here": entry}, environment={"SCRIPTED_API_KEY": "sk"})
        options = {"local_only": True, "sources": ["mill.md"], "model": "here", "analysts": 1, "turns": 1}
        report = finish(runtime, {"topic": TOPIC, "options": options, "approve": "auto"})
        assert report["made"]["model"] == "here" and server.asked
    assert report["made"]["guard"] == "Python-level guard: 0 connections refused"


def test_setting_makes_every_session_local_only(open_runtime: Callable[..., Runtime], fake: FakeWeb) -> None:
    report = run(open_runtime(local_only=True), tried(by_urllib, fake))
    assert "local only" in report["markdown"] and fake.asked == []


def test_function_that_wants_to_know_is_told(open_runtime: Callable[..., Runtime]) -> None:
    def asks(topic: str, *, local_only: bool = False) -> str:
        return f"local only: {local_only}"

    assert "local only: True" in run(open_runtime(), asks, local_only=True)["markdown"]


def test_built_in_researcher_reads_and_writes_without_a_refusal(open_runtime: Callable[..., Runtime]) -> None:
    report = finish(open_runtime(), {"topic": TOPIC, "options": {"local_only": True, "sources": ["mill.md"]}})
    assert report["made"]["guard"] == "Python-level guard: 0 connections refused"
    assert report["sources"] and report["made"]["failed"] == []


@pytest.mark.parametrize("name", [*KEYS, "wikipedia", "arxiv", "crossref", "europepmc", "searxng", "page"])
def test_online_source_is_refused_with_a_sentence(
    open_runtime: Callable[..., Runtime], fake: FakeWeb, name: str
) -> None:
    source = fake.page("mills.html") if name == "page" else name
    runtime = open_runtime()
    with pytest.raises(InvalidRequest, match="local only"):
        runtime.start(ME, {"topic": TOPIC, "options": {"local_only": True, "sources": [source]}})
    assert fake.asked == []


def test_server_that_does_not_carry_sessions_has_no_local_only_ones(
    open_runtime: Callable[..., Runtime],
) -> None:
    with pytest.raises(InvalidRequest, match="carry_context"):
        run(open_runtime(carry_context=False), lambda topic: "x", local_only=True)


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ("socket.getaddrinfo", "192.0.2.1%secret-data.example.org"),
        ("socket.gethostbyname", b"192.0.2.1%secret-data.example.org"),
        ("socket.gethostbyaddr", "192.0.2.1"),
        ("socket.gethostbyaddr", "2001:db8::1"),
        ("socket.getnameinfo", ("192.0.2.1", 80)),
    ],
)
def test_no_name_server_is_asked_by_way_of_a_number(event: str, asked: Any) -> None:
    with pytest.raises(LocalOnly, match="looking up"):
        Restraint().check(event, (asked,))


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ("socket.getaddrinfo", "192.0.2.1"),
        ("socket.getaddrinfo", "fe80::1%eth0"),
        ("socket.gethostbyaddr", "127.0.0.1"),
        ("socket.getnameinfo", ("::1", 80, 0, 0)),
        ("socket.getnameinfo", ("192.0.2.7", 80)),
    ],
)
def test_what_asks_nobody_or_whom_it_may_is_not_refused(event: str, asked: Any) -> None:
    restraint = Restraint(["192.0.2.7:80"])
    restraint.check(event, (asked,))
    assert restraint.counts == (0, 0)


@pytest.mark.parametrize("listed", ["[::1]:11434", "::1:11434", "[::1]", "::1"])
def test_address_of_ipv6_is_listed_with_its_brackets_or_without(
    listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *_, **__: asked.append(name) or [])
    for restraint in (Restraint([listed]), later := Restraint()):
        later.allow([listed])
        restraint.settle()
        assert asked == []
        restraint.check("socket.connect", (None, ("::1", 11434, 0, 0)))
        with pytest.raises(LocalOnly):
            restraint.check("socket.connect", (None, ("::2", 11434, 0, 0)))


def test_refusal_is_an_error_of_the_system_and_names_what_was_refused() -> None:
    with pytest.raises(OSError, match="connect to 192.0.2.1 port 80 was refused") as caught:
        Restraint().check("socket.connect", (None, ("192.0.2.1", 80)))
    assert isinstance(caught.value, LocalOnly)


def test_nothing_is_left_in_place_but_a_hook_that_does_nothing() -> None:
    before = {name: getattr(socket.socket, name) for name in ("send", "sendall")}
    with pytest.raises(ZeroDivisionError), watch.over(Restraint()):
        assert socket.socket.send is not before["send"]
        raise ZeroDivisionError
    assert {name: getattr(socket.socket, name) for name in before} == before
    assert watch.restraint() is None


class TestProcess:
    """Give a local-only session a process of its own."""

    @pytest.fixture
    def runtime(self, open_runtime: Callable[..., Runtime]) -> Runtime:
        researchers = {name: f"leaks:{name}" for name in ("tells", "asks", "fails", "dies", "waits")}
        return open_runtime(local_only_isolation="process", researchers=researchers)

    @pytest.fixture(autouse=True)
    def leaks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "leaks.py").write_text(LEAKS, encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))

    def start(self, runtime: Runtime, name: str, **body: Any) -> dict[str, Any]:
        body = {"topic": "x", "researcher": name, "options": {"local_only": True}, **body}
        return finish(runtime, body)

    def test_process_has_another_network_and_speaks_into_the_log(
        self, runtime: Runtime, fake: FakeWeb
    ) -> None:
        report = self.start(runtime, "tells", topic=str(port(fake)))
        natively, pid, network, interfaces = report["markdown"].split()[-4:]
        assert int(pid) != os.getpid()
        if "a process without a network" in report["made"]["guard"]:
            assert network != os.readlink("/proc/self/ns/net") and interfaces == "lo"
            assert natively == "-1"
        else:
            assert "a process with a network (" in report["made"]["guard"]
        assert "1 connection refused, 1 process not started" in report["made"]["guard"]
        events = [json.loads(event) for event in runtime.events(ME, report["session_id"])[0]]
        assert ["Looking.", 1, 2] in [[event["message"], event["done"], event["total"]] for event in events]

    def test_built_in_researcher_plans_and_writes_there(self, runtime: Runtime) -> None:
        body = {"topic": TOPIC, "options": {"local_only": True, "sources": ["mill.md"]}, "approve": "ask"}
        session_id = runtime.start(ME, body)[0]["session_id"]
        waiting = until(runtime, session_id, "awaiting_approval")
        runtime.approve(ME, session_id, {"version": waiting["version"]})
        until(runtime, session_id, "completed")
        made = runtime.report(ME, session_id).made
        assert made["guard"].startswith("Python-level guard: 0 connections refused; a process with")
        assert runtime.report(ME, session_id).sources

    def test_person_is_asked_from_there(self, runtime: Runtime) -> None:
        assert "approved: {'a': 1}" in self.start(runtime, "asks", approve="auto")["markdown"]

    def test_failure_there_is_the_sessions(self, runtime: Runtime) -> None:
        assert "there is no reason" in self.start(runtime, "fails")["error"]["message"]
        assert "exit code 7" in self.start(runtime, "dies")["error"]["message"]

    def test_cancel_ends_the_process(self, runtime: Runtime) -> None:
        body = {"topic": "x", "researcher": "waits", "options": {"local_only": True}}
        session_id = runtime.start(ME, body)[0]["session_id"]
        end = time.monotonic() + 60
        while not (pid := (runtime.get(ME, session_id)["message"] or "").removeprefix("pid ")).isdecimal():
            assert time.monotonic() < end
            time.sleep(0.01)
        runtime.cancel(ME, session_id)
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < end
            time.sleep(0.01)

    def test_function_of_this_process_is_guarded_here_and_says_so(self, runtime: Runtime) -> None:
        report = run(runtime, lambda topic: str(os.getpid()), local_only=True)
        assert str(os.getpid()) in report["markdown"]
        assert "no process of its own (its researcher was defined in this process)" in report["made"]["guard"]


LEAKS = """
import ctypes, os, socket, struct, subprocess, time
from jupyter_research import request_approval, send_status_update

def tried(way, *args):
    try:
        way(*args)
    except OSError:
        pass

def tells(topic):
    send_status_update("Looking.", {"done": 1, "total": 2})
    tried(socket.create_connection, ("127.0.0.1", 9))
    tried(subprocess.run, ["true"])
    # As a native library would, where no guard of Python's sees it.
    libc = ctypes.CDLL(None)
    address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(int(topic)), bytes([127, 0, 0, 1]))
    natively = libc.connect(libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0), address, 16)
    with open("/proc/net/dev") as file:
        names = [line.split(":")[0].strip() for line in file if ":" in line]
    return f"natively {natively} {os.getpid()} {os.readlink('/proc/self/ns/net')} {','.join(names)}"

def asks(topic):
    return f"approved: {request_approval('Shall I?', {'a': 1})}"

def fails(topic):
    raise ValueError("there is no reason")

def dies(topic):
    os._exit(7)

def waits(topic):
    send_status_update(f"pid {os.getpid()}")
    time.sleep(600)
"""
