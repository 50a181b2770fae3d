"""Measure how soon a cancel is seen, and how soon what the session had under way is gone.

It parses, waits for a model, waits for a search, or runs code that nobody can interrupt and that is left
behind. The aims are half a second and two seconds; the test of the same allows a busy machine more.
`python benchmarks/cancel.py 5` sets how often each is cancelled.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from stage import Busy, Stage, staged

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5

#: The aims, in seconds.
SEEN, GONE = 0.5, 2.0


def measure(stage: Stage, begin: Callable[[], Busy]) -> tuple[float, float]:
    """Give the seconds until a cancel is seen, and from it until nothing is left."""
    busy = begin()
    begun = time.monotonic()
    seen = stage.cancel(busy.session_id)
    while busy.left():
        time.sleep(0.01)
    return seen, time.monotonic() - begun


def verdict(value: float, aim: float) -> str:
    return "within" if value <= aim else "MORE THAN"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder)) as stage:
        work: dict[str, Callable[[], Busy]] = {
            "a parse": stage.parse,
            "a model call": stage.model_call,
            "a search": stage.search,
            "a sleep in a thread": lambda: stage.sleep("asleep"),
            "a sleep in a graph's node": lambda: stage.sleep("asleep_in_a_node"),
        }
        print(f"{ROUNDS} cancels during each; the slowest, in seconds\n")
        for name, begin in work.items():
            rounds = [measure(stage, begin) for _ in range(ROUNDS)]
            seen, gone = max(one[0] for one in rounds), max(one[1] for one in rounds)
            print(
                f"{name:26} seen after {seen:5.2f} ({verdict(seen, SEEN)} {SEEN})  "
                f"gone after {gone:5.2f} ({verdict(gone, GONE)} {GONE})"
            )


if __name__ == "__main__":
    main()
