"""Be the researcher of the server that is measured: send updates when standard input says so."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections import defaultdict

from jupyter_research import send_status_update
from peers.load import send_all, update

gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)


def sends(
    topic: str, *, gate: str, updates: int, interval: float = 0.0, offset: float = 0.0, end: str = ""
) -> str:
    """Send the updates once `go GATE` has been read, and end once `go END` has."""
    gates[gate].wait()
    send_all(send_status_update, updates, interval, offset)
    gates[end].wait()
    return "Done."


def clocks(topic: str, *, updates: int) -> str:
    """Report what a call costs the calling thread, in microseconds: median and 99th percentile."""
    took = []
    for number in range(1, updates + 1):
        message, status = update(number, updates)
        begin = time.perf_counter_ns()
        send_status_update(message, status)
        took.append((time.perf_counter_ns() - begin) / 1000)
    cuts = statistics.quantiles(took, n=100)
    return f"{cuts[49]} {cuts[98]}"


def says_little(topic: str) -> str:
    """End at once."""
    return "Done."


def _obey() -> None:
    for line in sys.stdin:
        gates[line.split()[1]].set()


threading.Thread(target=_obey, daemon=True).start()
