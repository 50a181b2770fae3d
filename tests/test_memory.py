from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_manager import Desk
from test_neighbours import until

from jupyter_research.manager import manager as manager_module
from jupyter_research.manager import memory
from jupyter_research.manager.memory import Memory

HOLEY = """
from pathlib import Path
from jupyter_research.manager.memory import Memory

def held():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))

before = held()
many = [bytes(600) for _ in range(200_000)]
kept = many[::1000] + many[-1:]  # Here and there something stays, at the very end too.
del many
full = held()
Memory(lambda: 1).give_back()
print(full - before, held() - before)
"""


@pytest.mark.skipif(memory._trim() is None or sys.platform != "linux", reason="what glibc alone can do")
def test_what_is_free_between_what_is_in_use_goes_back_to_the_system() -> None:
    run = subprocess.run([sys.executable, "-c", HOLEY], capture_output=True, text=True, check=True)
    full, after = map(int, run.stdout.split())
    assert full > 100_000  # KiB: nothing had gone back by itself.
    assert after < full / 5


def test_nothing_is_done_where_no_work_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    times, ended = [], [0]
    monkeypatch.setattr(memory, "_trim", lambda: times.append)
    mine = Memory(lambda: ended[0])
    mine.give_back()
    assert times == []
    ended[0] = 3
    mine.give_back()
    mine.give_back()
    assert times == [0]
    monkeypatch.setattr(memory, "_trim", lambda: None)  # Another C library.
    ended[0] = 4
    mine.give_back()


def test_a_server_gives_back_what_its_sessions_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []
    monkeypatch.setattr(memory, "_trim", lambda: lambda pad: times.append(desk.manager._transitions.ended))
    monkeypatch.setattr(manager_module, "MINUTE", 0.05)
    desk = Desk(tmp_path)
    desk.manager._adopt = set
    desk.manager.take_up_work(resume=False)
    desk.add("note", lambda topic: "noted")
    for _ in range(2):
        desk.until(desk.start(researcher="note"), "completed")
    until(lambda: times[-1:] == [2])
    desk.close()
