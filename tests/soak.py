"""Let two servers work for a long time while what hangs on them is taken away at random moments.

One lives through it: four sessions at a time, pages that are cut off and come back, kernels that are killed.
What it holds at rest at the end is compared with what it held once warm, after a quarter of the time or more.
The other is killed again and again, and goes on by itself. At the end every session of both has to have come
to its own end, with a log without holes. `SOAK=60 python tests/soak.py` makes it short; 1,200 seconds are the
long form.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
import websocket
from live import Server, running_server, until

from jupyter_research.events import initial, reduce, reduce_all
from jupyter_research.manager.manager import MINUTE

SECONDS = float(os.environ.get("SOAK", "1200"))
AT_ONCE = 4
#: From how many sessions on a server is warm: its logs, pools and caches are full.
WARM = 400
#: Growth of memory from then on that is borne, and what may come to stay: a pool may not have been full.
GROWTH, MORE_FILES, MORE_THREADS = 0.05, 4, 2

TEXT = "# Tides\n\nThe tide rises because the moon pulls on the water. Springs follow the new moon.\n"
BODIES: list[dict[str, Any]] = [
    {"topic": "why does the tide rise?", "options": {"analysts": 2, "turns": 1}, "approve": "auto"},
    {"topic": "what follows the moon?", "options": {"analysts": 1, "turns": 2}, "approve": "ask"},
    {"topic": "steps", "researcher": "steps", "options": {"steps": 300}},
    {"topic": "asks", "researcher": "asks"},
    {"topic": "slow", "researcher": "slow", "options": {"seconds": 2}},
]
FINISHED = ("completed", "cancelled", "failed")


@dataclass
class Sessions:
    """Keep sessions at work on one server, and decide what they ask."""

    random: random.Random
    started: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)

    def tend(self, server: Server, *, more: bool) -> None:
        """Start what is missing, approve, resume, and now and then pause or cancel."""
        for session_id in list(self.open):
            snapshot = server.session(session_id)
            if snapshot["state"] in FINISHED:
                self.open.discard(session_id)
            else:
                self._decide(server, snapshot)
        while more and len(self.open) < AT_ONCE:
            body = self.random.choice(BODIES)
            session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
            self.started.append(session_id)
            self.open.add(session_id)

    def _decide(self, server: Server, snapshot: dict[str, Any]) -> None:
        """Do what a person would; what has moved on meanwhile is left alone."""
        state, body = snapshot["state"], None
        if state == "awaiting_approval":
            action, body = "approve", {"version": snapshot["version"]}
        elif state in ("paused", "interrupted"):
            action = "resume"
        elif self.random.random() < 0.02:
            action = self.random.choice(["pause", "cancel"])
        else:
            return
        try:
            server.ask("POST", f"research/api/sessions/{snapshot['session_id']}/{action}", body)
        except HTTPError as error:
            if error.code != 409:
                raise
        else:
            if action == "cancel":
                self.cancelled.add(snapshot["session_id"])

    def rest(self, server: Server) -> None:
        """Let what is under way come to its end."""
        until(lambda: self.tend(server, more=False) or not self.open, "the end of the sessions")

    def check(self, server: Server) -> Counter[str]:
        """Hold every log against its snapshot; count the sessions by state."""
        states: Counter[str] = Counter()
        for session_id in self.started:
            events: list[dict[str, Any]] = []
            path = f"research/api/sessions/{session_id}/events?limit=1000&after="
            while page := server.ask("GET", f"{path}{len(events)}")["events"]:
                events += page
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), session_id
            snapshot = server.session(session_id)
            snapshot.pop("viewers")
            assert reduce_all(initial(session_id), events) == snapshot, session_id
            expected = "cancelled" if session_id in self.cancelled else "completed"
            assert snapshot["state"] == expected, (snapshot["state"], snapshot["error"])
            states[snapshot["state"]] += 1
        return states


def view(server: Server, sessions: Sessions, stopped: threading.Event, seen: Counter[str]) -> None:
    """Be a page that follows what there is, is cut off at random, and comes back to where it was."""
    chance = random.Random(threading.get_ident())
    states: dict[str, dict[str, Any]] = {}
    logs: dict[str, str] = {}
    url = server.url.replace("http", "ws", 1) + "research/api/ws"
    while not stopped.is_set():
        socket = websocket.create_connection(url, header=[f"Authorization: token {server.token}"], timeout=60)
        socket.settimeout(1)
        joined: set[str] = set()
        end = time.monotonic() + chance.uniform(0.5, 5)
        while time.monotonic() < end and not stopped.is_set():
            for session_id in list(sessions.open - joined):
                joined.add(session_id)
                after = states.setdefault(session_id, initial(session_id))["last_seq"]
                wish = {"type": "join_session", "session_id": session_id, "after": after}
                socket.send(json.dumps({**wish, "log": logs[session_id]} if session_id in logs else wish))
            try:
                message = json.loads(socket.recv())
            except websocket.WebSocketTimeoutException:
                continue
            if message["type"] == "session_joined":
                assert not message["reset"], "the log of a living server has one life"
                logs[message["session_id"]] = message["log"]
            for event in message.get("events", ()):
                state = states[event["session_id"]]
                assert event["seq"] == state["last_seq"] + 1, "an event was lost or came twice"
                states[event["session_id"]] = reduce(state, event)
                seen["events"] += 1
        socket.sock.close()  # As a network does it: without a word.
        seen["cuts"] += 1


def use_kernels(server: Server, stopped: threading.Event, seen: Counter[str], started: list[str]) -> None:
    """Start sessions from cells and kill their kernels while they work."""
    while not stopped.wait(1):
        kernel = server.start_kernel(f"note-{seen['kernels']}.ipynb")
        kernel.run("%load_ext jupyter_research")
        run = kernel.run('%research --researcher slow --set seconds=3 "from a cell"')
        started.append(run.session_id)
        pid = kernel.value("__import__('os').getpid()")
        psutil.Process(pid).kill()
        kernel.close()
        server.ask("DELETE", f"api/kernels/{kernel.id}")
        seen["kernels"] += 1
        stopped.wait(5)


@dataclass(frozen=True)
class Held:
    """Be what a server at rest holds."""

    megabytes: float
    threads: int
    #: Open files by name, and what is no file: sockets, the loop's own.
    files: Counter[str]

    @classmethod
    def by(cls, server: Server) -> Held:
        """Look at a server's process, once it has given back what is free."""
        process = psutil.Process(server.process.pid)
        time.sleep(1.1 * MINUTE)  # It does so every minute, not at the end of each session.
        files = Counter(Path(file.path).name for file in process.open_files())
        files["others"] = process.num_fds() - files.total()
        return cls(own_memory(process.pid), process.num_threads(), files)

    def __str__(self) -> str:
        return f"{self.megabytes:.1f} MB, {self.threads} threads, {self.files.total()} descriptors"


def own_memory(pid: int) -> float:
    """Give the megabytes of a process that belong to no file: those may be shared now and not later."""
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return float(psutil.Process(pid).memory_full_info().uss / 1e6)
    [line] = [line for line in rollup.read_text().splitlines() if line.startswith("Anonymous:")]
    return int(line.split()[1]) * 1024 / 1e6


def steady(folder: Path) -> None:
    """Let one server live through it, and compare what it holds once warm with what it holds at the end."""
    # Else Jupyter's server may be restarting a killed kernel when it is to take it away, and waits for ever.
    with running_server(folder, "--KernelManager.autorestart=False") as server:
        (server.root / "tides.md").write_text(TEXT)
        sessions, seen = Sessions(random.Random(1)), Counter[str]()
        from_cells: list[str] = []
        rests = []
        for least in (WARM, 0, 0, 0):
            spell(server, sessions, seen, from_cells, SECONDS / 4, least)
            rests.append(Held.by(server))
            print(f"steady: {rests[-1]} after {len(sessions.started)} sessions", flush=True)
        sessions.started += from_cells
        print(f"steady: {dict(sessions.check(server))}, {dict(seen)}")
        judge(rests[0], rests[-1])
        log = (folder / "server.log").read_text()
        assert "Traceback" not in log, log[log.index("Traceback") :][:4000]


def judge(warm: Held, last: Held) -> None:
    """Hold the end against the beginning."""
    growth = last.megabytes / warm.megabytes - 1
    print(f"steady: memory {growth:+.1%}, more open at the end: {dict(last.files - warm.files)}")
    assert growth <= GROWTH, f"Memory grew by {growth:.1%}."
    assert last.files.total() - warm.files.total() <= MORE_FILES, last.files - warm.files
    assert last.threads - warm.threads <= MORE_THREADS, (warm.threads, last.threads)


def spell(
    server: Server,
    sessions: Sessions,
    seen: Counter[str],
    from_cells: list[str],
    seconds: float,
    least: int = 0,
) -> None:
    """Work for a while, and for `least` sessions, then come to rest."""
    stopped, faults = threading.Event(), []

    def guarded(work: Callable[..., None], *arguments: Any) -> threading.Thread:
        def run() -> None:
            try:
                work(*arguments)
            except BaseException as fault:
                faults.append(fault)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    threads = [guarded(view, server, sessions, stopped, seen) for _ in range(3)]
    threads.append(guarded(use_kernels, server, stopped, seen, from_cells))
    end = time.monotonic() + seconds
    try:
        while (time.monotonic() < end or len(sessions.started) < least) and not faults:
            sessions.tend(server, more=True)
            time.sleep(0.1)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    if faults:
        raise faults[0]
    sessions.rest(server)
    until(lambda: all(server.session(one)["state"] in FINISHED for one in from_cells), "the cells' sessions")


def stormy(folder: Path) -> None:
    """Kill the other server again and again; what it left goes on by itself."""
    sessions, kills, chance = Sessions(random.Random(2)), 0, random.Random(3)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with running_server(folder, "--ResearchApp.auto_resume=True") as server:
            (server.root / "tides.md").write_text(TEXT)
            moment = min(end, time.monotonic() + chance.uniform(1, 12))
            while time.monotonic() < moment:
                sessions.tend(server, more=True)
                time.sleep(0.1)
            server.process.kill()
            server.process.wait()
            kills += 1
    with running_server(folder, "--ResearchApp.auto_resume=True") as server:
        sessions.rest(server)
        print(f"stormy: {dict(sessions.check(server))} after {kills} kills")


def main() -> None:
    faults: list[BaseException] = []

    def storm(folder: Path) -> None:
        try:
            stormy(folder)
        except BaseException as fault:
            traceback.print_exc()  # The other may have one too, which would hide it.
            faults.append(fault)

    with tempfile.TemporaryDirectory() as name:
        other = threading.Thread(target=storm, args=(Path(name) / "stormy",))
        other.start()
        try:
            steady(Path(name) / "steady")
        finally:
            other.join()
    if faults:
        raise faults[0]


if __name__ == "__main__":
    main()
