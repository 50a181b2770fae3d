"""Be a server whose sessions work where a cancel is hard: in a parse, a model's answer, a search, a sleep."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from live import REPOSITORY, Server, running_server, until
from stubborn import OPTIONS, endless_pdf
from test_metrics import figures
from test_shutdown import asleep, parsers, start

from jupyter_research.testing import FakeWeb, Reply
from jupyter_research.testing.chat import ChatServer
from jupyter_research.testing.chat import Reply as Said

PYTHONPATH = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent)])


@dataclass(frozen=True)
class Busy:
    """Hold a session at work, and what tells whether anything of that work is still there."""

    session_id: str
    left: Callable[[], Any]


@dataclass(frozen=True)
class Stage:
    """Hold a server, a model that never answers, and a web that takes its time."""

    server: Server
    chat: ChatServer
    web: FakeWeb

    def parse(self) -> Busy:
        """Read a document without end, in children."""
        (self.server.root / "endless.pdf").write_bytes(endless_pdf())
        session_id = start(self.server, "analysts", sources=["endless.pdf"])
        children = until(lambda: parsers(self.server), "a parse")
        return Busy(session_id, lambda: [child for child in children if child.is_running()])

    def model_call(self) -> Busy:
        """Wait for the answer of a model."""
        before = len(self.chat.asked)
        session_id = self._start(model="hangs", sources=["mill.md"])
        until(lambda: len(self.chat.asked) > before, "a call")
        return Busy(session_id, lambda: self._connected(self.chat.url))

    def search(self) -> Busy:
        """Wait for the answer of a service."""
        self.web.answer_next("wikipedia", Reply(body=b"{}", delay=600))
        before = len(self.web.requests("wikipedia"))
        session_id = self._start(sources=["mill.md", "wikipedia"])
        until(lambda: len(self.web.requests("wikipedia")) > before, "a search")
        return Busy(session_id, lambda: self._connected(self.web.host))

    def sleep(self, name: str) -> Busy:
        """Run research code that nobody can interrupt: its thread is left behind and counted."""
        before = self.abandoned()
        session_id = start(self.server, name)
        until(lambda: asleep(self.server, session_id), "the sleep")
        return Busy(session_id, lambda: self.abandoned() != before + 1)

    def _start(self, **options: Any) -> str:
        (self.server.root / "mill.md").write_text("# Mills\n\nThe tide mill grinds when the tide ebbs.\n")
        body = {
            "topic": "how does the tide mill work?",
            "options": {"analysts": 1, "turns": 1, **options},
            "approve": "auto",
        }
        return str(self.server.ask("POST", "research/api/sessions", body)["session_id"])

    def _connected(self, address: str) -> bool:
        port = int(address.rpartition(":")[2])
        connections = psutil.Process(self.server.process.pid).net_connections("tcp")
        there = [one for one in connections if one.status == psutil.CONN_ESTABLISHED and one.raddr]
        return any(one.raddr.port == port for one in there)

    def cancel(self, session_id: str) -> float:
        """Cancel a session, and give the seconds until it was seen as cancelled."""
        begun = time.monotonic()
        self.server.ask("POST", f"research/api/sessions/{session_id}/cancel")
        seen = self.server.session(session_id)
        took = time.monotonic() - begun
        assert seen["state"] == "cancelled"
        return took

    def abandoned(self) -> float:
        """Count the threads that were left behind."""
        return figures(self.server.text("metrics"))["abandoned_threads"]


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Set the stage until the end of the `with` block."""
    with ChatServer(lambda asked: Said(fault="hang")) as chat, FakeWeb() as web:
        model = {"model": "openai:scripted", "base_url": f"{chat.url}/v1"}
        options = [
            f"--ResearchApp.models={ {'hangs': model} }",
            f"--ResearchApp.source_addresses={web.addresses}",
            f"--ResearchApp.private_hosts={web.host}",
        ]
        with running_server(folder, *OPTIONS, *options, PYTHONPATH=PYTHONPATH) as server:
            yield Stage(server, chat, web)
