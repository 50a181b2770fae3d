"""Start a fresh interpreter for what shall not happen in the server's own, and end it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from .restraint import own_process

_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import main; "
    "main(*map(int, sys.argv[2:]))"
)


def start_child(module: str, *arguments: int, stderr: int | None = None) -> subprocess.Popen[bytes]:
    """Run `main` of a module in a process that reads what is asked and writes what it answers.

    A fresh interpreter: a fork of a server with threads may hold another thread's lock for ever.
    """
    # Without the empty entry: a file named like a module in the current folder would be imported.
    home = str(Path(__file__).resolve().parents[2])
    path = [entry for entry in sys.path if entry] + [home]
    code = _START.format(module=module)
    # A local-only session may start no processes but these.
    with own_process():
        return subprocess.Popen(
            [sys.executable, "-I", "-c", code, json.dumps(path), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )


def end_child(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, wait for its end, and close what led to it."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            if stream is not None:
                stream.close()
