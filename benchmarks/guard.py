"""Measure what the guard of local-only sessions costs everybody else.

`python benchmarks/guard.py`: each action without the hook, with the hook idle after a local-only session, and
while one works. The figures are microseconds, the best of several rounds.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_research.guard import Restraint, watch

ROUNDS = 7


def open_a_file(path: Path) -> None:
    with path.open("rb"):
        pass


def look_at_a_file(path: Path) -> None:
    os.stat(path)


def look_up_a_number(path: Path) -> None:
    socket.getaddrinfo("127.0.0.1", 80)


def start_a_thread(path: Path) -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def send_a_byte(path: Path) -> None:
    PAIR[0].send(b"x")
    PAIR[1].recv(1)


PAIR = socket.socketpair()
ACTIONS: tuple[tuple[Callable[[Path], None], int], ...] = (
    (look_at_a_file, 20_000),
    (open_a_file, 5_000),
    (look_up_a_number, 5_000),
    (send_a_byte, 20_000),
    (start_a_thread, 2_000),
)


def measured(path: Path) -> list[float]:
    """Give the microseconds of each action."""
    best = []
    for action, times in ACTIONS:
        rounds = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            for _ in range(times):
                action(path)
            rounds.append((time.perf_counter() - begun) / times * 1e6)
        best.append(min(rounds))
    return best


def working(path: Path) -> list[float]:
    """Measure while a local-only session works in another thread."""
    inside, leave = threading.Event(), threading.Event()

    def session() -> None:
        with watch.over(Restraint()):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=session)
    thread.start()
    inside.wait()
    try:
        return measured(path)
    finally:
        leave.set()
        thread.join()


def main() -> None:
    path = Path(tempfile.mkstemp()[1])
    without = measured(path)
    during = working(path)
    idle = measured(path)
    print(f"Python {sys.version.split()[0]}; microseconds")
    print(f"{'':20}{'without':>10}{'idle':>10}{'working':>10}{'idle/without':>15}")
    for (action, _), a, b, c in zip(ACTIONS, without, idle, during, strict=True):
        print(f"{action.__name__.replace('_', ' '):20}{a:10.2f}{b:10.2f}{c:10.2f}{b / a:15.2f}")
    path.unlink()


if __name__ == "__main__":
    main()
