"""Measure how many updates a second get into the log, and how long one takes to reach a follower.

Args: sessions at once (8), updates of each (2000).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import orjson

from jupyter_research import send_status_update
from jupyter_research.researchers import FunctionResearcher
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

ME = Caller(owner="local")


def burst(topic: str, *, updates: int) -> str:
    """Say as much as possible as fast as possible."""
    for number in range(updates):
        send_status_update("Working.", {"done": number, "total": updates, "sent": time.time()})
    return "Done."


def steady(topic: str, *, updates: int) -> str:
    """Say something twenty times a second."""
    for number in range(updates):
        send_status_update("Working.", {"done": number, "total": updates, "sent": time.time()})
        time.sleep(0.05)
    return "Done."


def follow(runtime: Runtime, session_id: str, delays: list[float]) -> None:
    """Read a session's events as they come, to its end."""
    after = 0
    while True:
        runtime.wait(ME, session_id, after=after, timeout=10)
        events, _ = runtime.events(ME, session_id, after=after, limit=1000)
        for event in map(orjson.loads, events):
            after = event["seq"]
            if "sent" in event["detail"]:
                delays.append((time.time() - event["detail"]["sent"]) * 1000)
            if event["kind"] in ("research_completed", "research_failed"):
                return


def measure(runtime: Runtime, researcher: str, sessions: int, updates: int) -> None:
    """Run some sessions at once, each with a follower, and print what came of it."""
    delays: list[float] = []
    body = {"topic": "t", "researcher": researcher, "options": {"updates": updates}}
    begin = time.perf_counter()
    ids = [runtime.start(ME, body)[0]["session_id"] for _ in range(sessions)]
    followers = [threading.Thread(target=follow, args=(runtime, id, delays)) for id in ids]
    for thread in followers:
        thread.start()
    for thread in followers:
        thread.join()
    seconds = time.perf_counter() - begin
    cuts = statistics.quantiles(delays, n=20)
    print(
        f"{researcher}: {sessions} sessions, {sessions * updates} updates in {seconds:.2f} s, "
        f"{sessions * updates / seconds:.0f} a second; "
        f"p50 {cuts[9]:.1f} ms, p95 {cuts[18]:.1f} ms, max {max(delays):.1f} ms"
    )


def main() -> None:
    """Measure in a data folder of its own."""
    sessions, updates = (*map(int, sys.argv[1:]), *(8, 2000)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(Settings(data_dir=Path(folder), max_working_sessions=sessions))
        runtime.open()
        try:
            for function in (burst, steady):
                runtime.register(FunctionResearcher(function.__name__, function))
            measure(runtime, "burst", sessions, updates)
            measure(runtime, "steady", sessions, 60)
        finally:
            runtime.close()


if __name__ == "__main__":
    main()
