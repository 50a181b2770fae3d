"""Measure one server that fifty people share: memory, CPU, latency, and whether anybody hears of another.

Each person has four sessions, each of which says something five times a second, and one page that follows
them. `python benchmarks/shared_server.py 50 4 30` sets people, sessions and seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

PACE = 5.0

#: Seconds for pages to have joined before the first update, and for the last one to arrive.
AHEAD, AFTER = 20.0, 10.0


def talk(topic: str, *, begin: float, seconds: float) -> str:
    """Say something five times a second from `begin` on; each time with the moment when it was said."""
    from jupyter_research import send_status_update

    for number in range(int(seconds * PACE)):
        time.sleep(max(0.0, begin + number / PACE - time.time()))
        send_status_update("Still at it.", {"step": "TALK", "detail": {"sent": time.time()}})
    return "Said all."


@dataclass
class Person:
    """Hold what one person has, and what came to their page."""

    name: str
    token: str
    sessions: set[str] = field(default_factory=set)
    late: list[float] = field(default_factory=list)
    heard: Counter[str] = field(default_factory=Counter)
    last: dict[str, int] = field(default_factory=dict)
    foreign: int = 0
    disorder: int = 0

    def hear(self, frame: dict[str, Any]) -> None:
        """Take in a frame."""
        now = time.time()
        for event in frame.get("events", ()):
            session_id = event["session_id"]
            self.foreign += session_id not in self.sessions
            self.disorder += event["seq"] <= self.last.get(session_id, 0)
            self.last[session_id] = event["seq"]
            if event["step"] == "TALK":
                self.heard[session_id] += 1
                self.late.append(now - event["detail"]["sent"])


def start(url: str, person: Person, number: int, options: dict[str, float]) -> None:
    """Start one session of a person."""
    body = {"topic": f"session {number} of {person.name}", "researcher": "talk", "options": options}
    request = urllib.request.Request(f"{url}research/api/sessions", data=json.dumps(body).encode())
    request.add_header("Authorization", f"token {person.token}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        person.sessions.add(json.loads(answer.read())["session_id"])


async def follow(url: str, person: Person, until: float) -> None:
    """Be the person's page."""
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    address = url.replace("http", "ws", 1) + "research/api/ws"
    socket = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {person.token}"}))
    for session_id in person.sessions:
        await socket.write_message(json.dumps({"type": "join_session", "session_id": session_id, "after": 0}))
    while (left := until - time.time()) > 0:
        try:
            text = await asyncio.wait_for(asyncio.shield(socket.read_message()), left)
        except TimeoutError:
            break
        if text is None:
            raise ConnectionError(f"The socket of {person.name} closed: {socket.close_reason}.")
        person.hear(json.loads(text))
    socket.close()


async def follow_all(url: str, people: list[Person], until: float) -> None:
    await asyncio.gather(*(follow(url, person, until) for person in people))


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000


def measure(folder: Path, people: list[Person], sessions: int, seconds: float) -> list[tuple[str, str]]:
    """Run the server and give what to print."""
    import psutil
    from live import REPOSITORY, running_server

    options = [
        "--ServerApp.identity_provider_class=jupyter_research.testing.TokenIdentityProvider",
        f"--ResearchApp.max_working_sessions={len(people) * sessions}",
        "--ResearchApp.researchers=talk=shared_server:talk",
        *(f"--TokenIdentityProvider.tokens={person.token}={person.name}" for person in people),
    ]
    with running_server(folder, *options, PYTHONPATH=f"{REPOSITORY}:{HERE}") as server:
        process = psutil.Process(server.process.pid)
        idle = process.memory_info().rss
        begin = time.time() + AHEAD
        for person in people:
            for number in range(sessions):
                start(server.url, person, number, {"begin": begin, "seconds": seconds})
        assert time.time() < begin - 2, (
            "The machine is too slow for this: the sessions were started too late."
        )
        before = process.cpu_times()
        asyncio.run(follow_all(server.url, people, begin + seconds + AFTER))
        after, busy = process.cpu_times(), process.memory_info().rss
    cpu = after.user + after.system - before.user - before.system
    return results(people, sessions, seconds, cpu, idle, busy)


def results(
    people: list[Person], sessions: int, seconds: float, cpu: float, idle: int, busy: int
) -> list[tuple[str, str]]:
    late = [each for person in people for each in person.late]
    number = len(people) * sessions
    said = number * int(seconds * PACE)
    points = {"median": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    latency = ", ".join(f"{percentile(late, part):.1f}" for part in points.values())
    return [
        ("people, sessions, updates a second", f"{len(people)}, {number}, {said / seconds:,.0f}"),
        ("updates said, delivered", f"{said:,}, {len(late):,}"),
        ("updates to another owner", str(sum(person.foreign for person in people))),
        ("updates out of order or twice", str(sum(person.disorder for person in people))),
        (f"latency: {', '.join(points)}", f"{latency} ms"),
        ("CPU of the server", f"{cpu / seconds:.0%} of one processor, {cpu / said * 1e6:.0f} µs an update"),
        ("memory idle, at work", f"{idle / 2**20:.0f}, {busy / 2**20:.0f} MiB"),
        ("memory a session", f"{(busy - idle) / number / 2**10:.0f} KiB"),
    ]


def main() -> None:
    """Measure and print; a lost, doubled or foreign update is an error."""
    count, sessions, seconds = (
        int(text) for text in [*sys.argv[1:], *("50", "4", "30")[len(sys.argv) - 1 :]]
    )
    people = [Person(name=f"person{number}", token=f"token-of-{number}") for number in range(count)]
    with tempfile.TemporaryDirectory() as name:
        for what, figure in measure(Path(name), people, sessions, float(seconds)):
            print(f"{what:<44}{figure}")
    expected = int(seconds * PACE)
    assert all(person.heard[one] == expected for person in people for one in person.sessions), (
        "Updates were lost."
    )
    assert not any(person.foreign or person.disorder for person in people)


if __name__ == "__main__":
    main()
