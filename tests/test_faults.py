"""Let disks, clocks and rights fail; each test shows that the fault did happen."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from live import REPOSITORY
from test_manager import ALICE, Desk

from jupyter_research.context import send_status_update
from jupyter_research.errors import StorageFailed
from jupyter_research.events import initial, reduce_all
from jupyter_research.store import encoding

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits and rights of POSIX")

LIMITED = """
import faulthandler, json, resource, signal, sys, threading
from pathlib import Path
from jupyter_research import send_status_update
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
faulthandler.dump_traceback_later(150, exit=True)  # A child that hangs says where.
folder, me, said = Path(sys.argv[1]), Caller(owner="local"), {}
runtime = Runtime(Settings(data_dir=folder))
runtime.open()

begun = threading.Event()

def chatty(topic):
    begun.wait()  # Else the start itself is part of what is refused.
    for number in range(2000):
        send_status_update(f"update {number} " + "x" * 1000)
    return "done"

def until(session_id, state):
    while runtime.get(me, session_id)["state"] != state:
        runtime.wait(me, session_id, after=10**6, timeout=0.05)
    return runtime.get(me, session_id)

runtime.register_function("chatty", chatty)
runtime.register_function("note", lambda topic: "noted")
before = runtime.start(me, {"topic": "before", "researcher": "note"})[0]["session_id"]
until(before, "completed")
limit = sum(path.stat().st_size for path in folder.glob("research.sqlite*")) + 100_000
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
try:
    (folder / "probe").write_bytes(b"x" * (limit + 1))
except OSError as error:
    said["fault"] = error.errno
session_id = runtime.start(me, {"topic": "full", "researcher": "chatty"})[0]["session_id"]
begun.set()
said["error"] = until(session_id, "failed")["error"]
said["other"] = runtime.get(me, before)["state"]
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
(folder / "probe").unlink()
runtime.resume(me, session_id)
said["after"] = until(session_id, "completed")["state"]
seqs, last = [], 0
while True:
    page, last = runtime.events(me, session_id, after=len(seqs), limit=1000)
    if not page:
        break
    seqs += [json.loads(body)["seq"] for body in page]
said["holes"] = seqs != list(range(1, last + 1))
runtime.close()
print(json.dumps(said))
"""


def child(code: str, *arguments: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert run.returncode == 0, run.stderr
    said: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return said


def test_write_that_the_system_refuses_within_a_commit_fails_its_session_and_nothing_else(
    tmp_path: Path,
) -> None:
    said = child(LIMITED, str(tmp_path / "data"))
    assert said["fault"] == errno.EFBIG
    assert said["error"]["code"] == "storage" and "could not be written" in said["error"]["message"]
    assert said["other"] == "completed" and said["after"] == "completed"
    assert said["holes"] is False


UNPRIVILEGED = """
import json, os, sys
from pathlib import Path
from jupyter_research.errors import StorageFailed
from jupyter_research.runtime import Runtime, Settings

folder, said = Path(sys.argv[1]), {}
if os.geteuid() == 0:
    os.chown(folder, 65534, 65534)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    (folder / "probe").write_text("x")
except OSError as error:
    said["fault"] = error.errno
for name, path in (("inside", folder / "new"), ("itself", folder)):
    try:
        Runtime(Settings(data_dir=path)).open()
    except StorageFailed as error:
        said[name] = str(error)
print(json.dumps(said))
"""


def test_folder_that_may_not_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for path in (tmp_path, *tmp_path.parents[:3]):
        if path.stat().st_uid == os.geteuid() and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o011)  # For the child to come by.
    folder.chmod(0o500)
    said = child(UNPRIVILEGED, str(folder))
    assert said["fault"] == errno.EACCES
    for name in ("inside", "itself"):
        assert "cannot be written (Permission denied)" in said[name]
        assert "set ResearchApp.data_dir" in said[name]
    assert list(folder.iterdir()) == []


def test_disk_that_turns_read_only_fails_the_session_which_goes_on_when_it_is_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.start()
    desk.until(session_id, "researching")
    desk.store._connection.execute("PRAGMA query_only=ON")
    log = desk.store.log(session_id)
    assert log is not None
    with pytest.raises(StorageFailed, match="readonly"):
        desk.store.append(log, *_update()).result(60)
    failed = desk.until(session_id, "failed")
    assert failed["error"]["code"] == "storage" and "readonly" in failed["error"]["message"]
    desk.store._connection.execute("PRAGMA query_only=OFF")
    desk.planner.go.set()
    desk.manager.resume(ALICE, session_id)
    desk.until(session_id, "completed")
    events = desk.events(session_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    desk.close()


def _update() -> tuple[Any, Any, dict[str, Any]]:
    from jupyter_research.events import Kind

    return Kind.STATUS_UPDATE, None, {}


def test_clock_that_steps_back_changes_neither_order_nor_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        hours = 23

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            cls.hours -= 1
            return datetime(2026, 1, 1, cls.hours, tzinfo=tz)

    monkeypatch.setattr(encoding, "datetime", Clock)
    desk = Desk(tmp_path, max_session_seconds=3600)
    desk.add("steps", lambda topic: [send_status_update(str(n)) for n in range(5)] and "done")
    session_id = desk.start(researcher="steps")
    desk.until(session_id, "completed")
    events = desk.events(session_id)
    moments = [event["time"] for event in events]
    assert moments == sorted(moments, reverse=True) and len(set(moments)) == len(moments) > 5
    assert [event["message"] for event in events if event["kind"] == "status_update"] == list("01234")
    snapshot = {key: value for key, value in desk.snapshot(session_id).items() if key != "viewers"}
    assert reduce_all(initial(session_id), events) == snapshot
    [row] = desk.store.rows()
    log = desk.store.log(session_id)
    assert log is not None
    assert desk.manager.recovery.restore(row, log).seconds == 0  # Not less, and not a day.
    desk.close()
