"""Hold the children that read documents: their limits, their end, and what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from test_documents_library import DEADLINE, children, folder, index, open_library, refresh, until

from jupyter_research.documents import Failure, Library
from jupyter_research.documents import reading as reading_module
from jupyter_research.documents.room import is_tight, processors
from jupyter_research.documents.worker import Worker
from jupyter_research.errors import SessionCancelled
from jupyter_research.work import Control

__all__ = ["folder", "index", "open_library"]  # Fixtures.

# Children


def _wanted(_: str) -> bool:
    return True


@pytest.fixture
def stubborn(folder: Path) -> Path:
    """Give a text that takes its parser a while."""
    path = folder / "long.txt"
    path.write_text("Words without end. " * 2_000_000)
    return path


@pytest.fixture
def large(folder: Path) -> Path:
    """Give a text of 45 megabytes that is quickly cut."""
    path = folder / "large.txt"
    path.write_text(("x" * 998 + "\n\n") * 45_000)
    return path


def test_a_file_that_takes_too_long_is_named_and_the_next_is_read(
    folder: Path, stubborn: Path, open_library: Callable[[], Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "next.txt").write_text("Next words.")

    class Impatient(Worker):
        """Give the long one a second, which on a slow machine is too little for the other."""

        def parse(self, path: Path, *wish: Any) -> dict[str, Any]:
            self._seconds = 1 if path == stubborn else DEADLINE
            return super().parse(path, *wish)

    monkeypatch.setattr(reading_module, "Worker", Impatient)
    indexed = refresh(open_library)
    assert indexed.failures == (Failure(name="long.txt", reason="takes too long to parse"),)
    assert [document.name for document in indexed.documents] == ["next.txt"]


def test_a_file_that_takes_too_much_memory_is_named_and_the_next_is_read(
    folder: Path, large: Path, open_library: Callable[[], Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "next.txt").write_text("Next words.")
    monkeypatch.setattr(reading_module, "Worker", lambda: Worker(memory=120 * 1024**2))
    indexed = refresh(open_library)
    assert [failure.name for failure in indexed.failures] == ["large.txt"]
    assert "memory" in indexed.failures[0].reason or "crashed" in indexed.failures[0].reason
    assert [document.name for document in indexed.documents] == ["next.txt"]


def test_a_child_that_dies_costs_its_file_alone(stubborn: Path, folder: Path) -> None:
    (folder / "next.txt").write_text("Next words.")
    worker = Worker()
    answers: list[dict[str, object]] = []
    thread = threading.Thread(target=lambda: answers.append(worker.parse(stubborn, "text", _wanted)))
    thread.start()
    until(lambda: bool(children()))
    os.kill(children()[0].pid, signal.SIGSEGV)
    thread.join(DEADLINE)
    assert answers[0]["failure"] == "damaged: the parser crashed on it"
    assert worker.parse(folder / "next.txt", "text", _wanted)["text"] == "Next words."
    worker.close()
    assert children() == []


@pytest.mark.slow
def test_a_child_that_has_grown_ends_after_its_file(large: Path, folder: Path) -> None:
    (folder / "next.txt").write_text("Next words.")
    worker = Worker()
    assert worker.parse(folder / "next.txt", "text", _wanted)["text"] == "Next words."
    assert len(children()) == 1
    assert "failure" not in worker.parse(large, "text", _wanted)
    assert children() == []
    assert worker.parse(folder / "next.txt", "text", _wanted)["text"] == "Next words."
    worker.close()


def test_children_follow_the_limits_of_a_hub(tmp_path: Path) -> None:
    assert processors({"CPU_LIMIT": "1.5"}) == 1
    assert processors({"CPU_LIMIT": "0.5"}) == 1
    assert processors({}) == processors({"CPU_LIMIT": "64"}) == processors({"CPU_LIMIT": "nonsense"})
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "statm").write_text(f"9 {300 * 1024**2 // os.sysconf('SC_PAGE_SIZE')} 1")
    assert is_tight({"MEM_LIMIT": str(499 * 1024**2)}, tmp_path)
    assert not is_tight({"MEM_LIMIT": str(501 * 1024**2)}, tmp_path)
    assert not is_tight({}, tmp_path)


def test_files_are_read_one_at_a_time_when_memory_is_short(
    folder: Path, open_library: Callable[[], Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (folder / f"{number}.txt").write_text(f"Words {number}.")
    most = 0

    def progress(done: int, total: int, name: str) -> None:
        nonlocal most
        most = max(most, len(children()))

    monkeypatch.setenv("MEM_LIMIT", "1000000")
    assert open_library().refresh(progress=progress).read == 20
    assert most == 1


def test_a_child_ends_with_its_parent(stubborn: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jupyter_research.documents.worker import Worker\n"
        "worker = Worker(); worker.parse(Path(sys.argv[1]).with_name('absent'), 'text', bool)\n"
        "print(worker._process.pid, flush=True); sys.stdin.read()"
    )
    root = Path(__file__).resolve().parents[1]
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(stubborn)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_child_imports_nothing_of_the_parents_main_module_nor_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the current folder')")
    (tmp_path / "a.txt").write_text("Words.")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    worker = Worker()
    assert worker.parse((tmp_path / "a.txt").resolve(), "text", _wanted)["text"] == "Words."
    worker.close()


def test_a_cancel_ends_the_children_at_once(stubborn: Path, open_library: Callable[[], Library]) -> None:
    control = Control()
    raised: list[BaseException] = []

    def refresh() -> None:
        try:
            open_library().refresh(control=control)
        except SessionCancelled as cancelled:
            raised.append(cancelled)

    thread = threading.Thread(target=refresh)
    thread.start()
    until(lambda: bool(children()))
    control.cancel()
    thread.join(DEADLINE)
    assert raised and not thread.is_alive() and children() == []
