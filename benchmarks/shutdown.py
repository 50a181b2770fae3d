"""Measure how long a server with eight sessions at work takes to end, by signal.

One of them sleeps in a parallel node, one in a worker of a pool, one reads a socket, one parses: nobody gives
way. The aim is five seconds; the test of the same allows a busy machine more.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from live import running_server
from stubborn import OPTIONS
from test_shutdown import PYTHONPATH, eight_at_work

AIM = 5.0

for number in (signal.SIGTERM, signal.SIGINT):
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder), *OPTIONS, PYTHONPATH=PYTHONPATH) as server,
    ):
        eight_at_work(server)
        begun = time.monotonic()
        server.process.send_signal(number)
        code = server.process.wait(120)
        took = time.monotonic() - begun
        verdict = "within" if took < AIM else "MORE THAN"
        print(f"{number.name}: {took:.1f} s, exit code {code} ({verdict} the {AIM:.0f} s aimed at)")
