"""Choose a chat model where people do: in a notebook, on the command line, over REST, on a real server."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import Kernel, Server, environment, running_server, until
from test_analysts import PAPERS

from jupyter_research.testing.chat import Asked, ChatServer, Reply, Scholar

KEY = "sk-4f1d-seen-by-the-provider-alone"
TOPIC = "how does the tide mill keep its wheel turning?"
OPTIONS = {"model": "openai:scripted", "analysts": 2, "turns": 1}


class Place:
    """Be a server with papers, and a chat model beside it."""

    def __init__(self, folder: Path, chat: ChatServer, server: Server) -> None:
        self.folder, self.chat, self.server = folder, chat, server

    def start(self, **body: Any) -> str:
        given = {"topic": TOPIC, "options": OPTIONS, "approve": "auto", **body}
        return str(self.server.ask("POST", "research/api/sessions", given)["session_id"])

    def finished(self, session_id: str) -> dict[str, Any]:
        def ended() -> Any:
            snapshot = self.server.session(session_id)
            assert snapshot["state"] != "failed", snapshot["error"]
            return snapshot if snapshot["state"] == "completed" else None

        found: dict[str, Any] = until(ended, "the end of the session")
        return found

    def command(self, *arguments: str, said: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run `jupyter research`, as somebody does in a terminal of the same account."""
        return subprocess.run(
            [sys.executable, "-m", "jupyter_research.cli", *arguments],
            cwd=self.folder / "root",
            env=environment(self.folder, OPENAI_BASE_URL=f"{self.chat.url}/v1", **more),
            input=said,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("doors")
    (folder / "root").mkdir()
    for name, text in PAPERS.items():
        (folder / "root" / name).write_text(text, encoding="utf-8")
    models = (
        "--ResearchApp.models={'unnamed': {'model': 'openai:other', 'base_url': 'http://127.0.0.1:9/v1'}}"
    )
    with ChatServer() as chat, running_server(folder, models, OPENAI_BASE_URL=f"{chat.url}/v1") as server:
        yield Place(folder, chat, server)


@pytest.fixture(scope="module")
def kernel(here: Place) -> Iterator[Kernel]:
    made = here.server.start_kernel()
    made.run("%load_ext jupyter_research")
    yield made
    made.close()


def test_without_a_key_the_server_says_how_to_give_it_one_and_a_kernel_says_that_it_has_one(
    here: Place, kernel: Kernel
) -> None:
    run = kernel.run(f"%research --model openai:scripted {TOPIC}", ok=False)
    assert "jupyter research keys set openai" in run.text + str(run.error)
    kernel.run(f"import os; os.environ['OPENAI_API_KEY'] = {KEY!r}")
    run = kernel.run(f"%research --model openai:scripted {TOPIC}", ok=False)
    said = run.text + str(run.error)
    assert "Your notebook has OPENAI_API_KEY, the server does not." in said
    assert KEY not in said
    kernel.run("del os.environ['OPENAI_API_KEY']")
    assert here.chat.asked == []


def test_a_key_that_is_set_is_used_without_a_restart_and_switches_nothing_on(here: Place) -> None:
    done = here.command("keys", "set", "openai", said=f"{KEY}\n")
    assert done.returncode == 0, done.stderr
    [file] = (here.folder / "config").rglob("keys.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = here.command("keys", "list")
    assert listed.stdout == "openai\n"
    without = here.finished(here.start(options={"analysts": 1, "turns": 1}))
    assert without["options"]["model"] == "extractive"
    assert here.chat.asked == []
    session = here.finished(here.start())
    assert session["options"]["model_from"] == "asked for"
    assert {one.key for one in here.chat.asked} == {KEY}
    assert session["usage"]["tokens"] > 0


def test_a_notebook_asks_first_and_its_card_says_which_model_and_where_texts_go(
    here: Place, kernel: Kernel
) -> None:
    run = kernel.run(f"report = %research --model openai:scripted --analysts 2 --turns 1 --ask {TOPIC}")

    def asked() -> Any:
        found = here.server.session(run.session_id)
        return found if found["state"] == "awaiting_approval" else None

    snapshot = kernel.wait_for(asked, "the question")
    assert "The model is openai:scripted (asked for)." in snapshot["question"]
    assert "calls" in snapshot["question"] and "tokens" in snapshot["question"]
    events = here.server.ask("GET", f"research/api/sessions/{run.session_id}/events")["events"]
    [request] = [event for event in events if event["kind"] == "approval_requested"]
    assert request["detail"]["estimate"]["model"] == "openai:scripted"
    kernel.run("report.approve(); report.wait()")
    assert kernel.value("report.state") == "completed"
    assert kernel.value("report.report.made['model']") == "openai:scripted"


def test_defaults_are_kept_and_a_notebooks_own_choice_is_nearer(here: Place, kernel: Kernel) -> None:
    said = kernel.run("%research --save-defaults --model openai:scripted --budget tokens=90000").text
    assert "model openai:scripted" in said
    try:
        body = {"options": {"analysts": 1, "turns": 1}, "topic": f"{TOPIC} by default"}
        session = here.finished(here.start(**body))
        assert session["options"]["model"] == "openai:scripted"
        assert session["options"]["model_from"] == "your default"
        assert session["options"]["budget"] == {"tokens": 90000}
        notebook = here.folder / "root" / "own.ipynb"
        notebook.write_text(
            json.dumps(
                {
                    "cells": [],
                    "metadata": {"jupyter_research": {"model": "extractive"}},
                    "nbformat": 4,
                    "nbformat_minor": 5,
                }
            )
        )
        session = here.finished(here.start(**body, notebook="own.ipynb"))
        assert session["options"]["model"] == "extractive"
    finally:
        assert here.server.ask("PUT", "research/api/defaults", {}) == {}
    assert here.server.ask("GET", "research/api/defaults") == {}


def test_models_lists_what_is_configured_and_whether_it_answers(here: Place) -> None:
    found = {one["name"]: one for one in here.server.ask("GET", "research/api/models?check=1")["models"]}
    assert found["unnamed"]["answers"].startswith("gives no answer")
    done = here.command("models")
    line = "unnamed: openai:other on this machine; needs no key. It gives no answer (ConnectError)."
    assert line in done.stdout, done.stderr


def test_the_command_line_writes_a_report_with_a_model_in_its_own_process(here: Place) -> None:
    done = here.command(
        "run", "--in-process", "--model", "openai:scripted", "--analysts", "1", "--turns", "1",
        "--budget", "tokens=100000", "--json", TOPIC,
        JUPYTER_DATA_DIR=str(here.folder / "elsewhere"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])["report"]
    assert report["made"]["model"] == "openai:scripted"
    assert 0 < report["usage"]["tokens"] < 100_000


def test_a_server_that_is_killed_pays_for_nothing_twice(here: Place, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    for name, text in PAPERS.items():
        (tmp_path / "root" / name).write_text(text, encoding="utf-8")
    scholar, most = Scholar(), 0

    def answer(asked: Asked) -> Reply:
        # The third call of a server's life hangs: however quick it is, it is killed before its end.
        return scholar(asked) if kills == 2 or len(chat.asked) < most else Reply(fault="hang")

    session_id, kills = "", 0
    with ChatServer(answer) as chat:
        more = {"OPENAI_BASE_URL": f"{chat.url}/v1", "OPENAI_API_KEY": KEY}
        while True:
            most = len(chat.asked) + 3
            with running_server(tmp_path, **more) as server:
                place = Place(tmp_path, chat, server)
                session_id = session_id or place.start(options={**OPTIONS, "turns": 2})
                if server.session(session_id)["state"] == "interrupted":
                    server.ask("POST", f"research/api/sessions/{session_id}/resume")
                if kills == 2:
                    place.finished(session_id)
                    break
                until(lambda most=most: len(chat.asked) >= most, "three more calls")
                server.process.kill()
                server.process.wait()
                kills += 1
        asked = [(one.title, one.messages) for one in chat.asked]
        # What a kill finds under way, with two analysts at most two calls, is all that is asked again.
        assert len(asked) - len(set(asked)) <= 2 * kills


def holds_key(path: Path) -> bool:
    """Tell whether the key is in a file; what is gone since it was listed, as journals are, holds nothing."""
    try:
        return KEY.encode() in path.read_bytes()
    except FileNotFoundError:
        return False


def test_the_key_is_nowhere_but_in_its_file(here: Place, kernel: Kernel) -> None:
    assert any(one.key == KEY for one in here.chat.asked)
    outputs = json.dumps(kernel.messages, default=str)
    assert outputs.count(KEY) == outputs.count(f"os.environ['OPENAI_API_KEY'] = '{KEY}'")
    found = []
    for folder, _, names in os.walk(here.folder):
        found += [name for name in names if holds_key(Path(folder, name))]
    # IPython keeps what was typed: the cell above that put the key into the kernel's environment.
    assert {name for name in found if not name.startswith("history.sqlite")} == {"keys.json"}
    for session in here.server.sessions():
        for path in ("", "/events", "/report?format=json", "/report?format=ipynb"):
            if session["report_available"] or "report" not in path:
                assert KEY not in here.server.text(f"research/api/sessions/{session['session_id']}{path}")
