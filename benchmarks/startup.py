"""Measure what the extension costs a server on which nobody does research, and the first who does.

Servers with and without it start in turn, so that a busy machine is busy for both; medians are compared.
`python benchmarks/startup.py 10` sets how many of each.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from live import environment, running_server

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 10

#: The aims, in milliseconds and in megabytes.
LATER, MORE = 50, 5


@dataclass(frozen=True)
class Start:
    """Hold what one start took, until the server listens, and what it holds when it has come to rest."""

    wall: float
    cpu: float
    megabytes: float


def start(*, extension: bool) -> Start:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        others = ("jupyter_server_terminals", "jupyterlab", "jupyter_lsp", "notebook", "notebook_shim")
        options = [
            f"--ServerApp.jpserver_extensions={one}={on}"
            for one, on in {"jupyter_research": extension, **dict.fromkeys(others, False)}.items()
        ]
        command = [
            sys.executable,
            "-m",
            "jupyter_server",
            "--no-browser",
            "--allow-root",
            "--port=0",
            *options,
        ]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            info = folder / "runtime" / f"jpserver-{process.pid}.json"
            while not info.exists():
                time.sleep(0.001)
                assert process.poll() is None, "the server did not start"
            wall = time.perf_counter() - begun
            seen = psutil.Process(process.pid)
            times = seen.cpu_times()
            time.sleep(1)
            return Start(wall, times.user + times.system, seen.memory_full_info().uss / 1e6)
        finally:
            process.terminate()
            process.wait()


def first_session() -> tuple[float, float]:
    """Give the milliseconds until the first session is answered, and until it has a report."""
    with tempfile.TemporaryDirectory() as name, running_server(Path(name)) as server:
        (server.root / "tides.md").write_text(
            "# Tides\n\nThe tide rises because the moon pulls on the water.\n"
        )
        body = {"topic": "why does the tide rise?", "options": {"analysts": 1, "turns": 1}}
        begun = time.perf_counter()
        session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
        answered = time.perf_counter()
        while server.session(session_id)["state"] != "completed":
            time.sleep(0.02)
        return 1000 * (answered - begun), 1000 * (time.perf_counter() - begun)


def verdict(value: float, aim: float) -> str:
    return "within" if value <= aim else "MORE THAN"


def main() -> None:
    start(extension=True), start(extension=False)  # The first ones read from the disk.
    rounds = [(start(extension=False), start(extension=True)) for _ in range(ROUNDS)]
    print(f"{ROUNDS} starts of each, in turn; medians\n")
    for name, scale, unit in (("wall", 1000, "ms"), ("cpu", 1000, "ms"), ("megabytes", 1, "MB")):
        without, with_it = (
            statistics.median(scale * getattr(pair[which], name) for pair in rounds) for which in (0, 1)
        )
        aim = MORE if name == "megabytes" else LATER
        more = with_it - without
        print(
            f"{name:9} without {without:7.1f} {unit}  with {with_it:7.1f} {unit}  "
            f"{more:+6.1f} {unit} ({verdict(more, aim)} the {aim} {unit} aimed at)"
        )
    answered, done = first_session()
    print(
        f"\nThe first session of a server is answered after {answered:.0f} ms and done after {done:.0f} ms."
    )


if __name__ == "__main__":
    main()
