"""Bring an index up to date with its files: stat, hash, parse in children, write in batches."""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..work import Control
from .index import Index
from .kinds import kind_of
from .opening import Stamp, refused
from .records import Failure, FileRef
from .room import is_tight, processors
from .rows import Entry, Known
from .worker import Worker

#: A batch is committed when it holds this many files or characters, or is this many seconds old.
_BATCH_FILES: Final = 500
_BATCH_CHARS: Final = 4_000_000
_BATCH_SECONDS: Final = 1.0
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
#: Seconds that a drain waits for the files in hand.
_PATIENCE: Final = 5.0


@dataclass(slots=True)
class Outcome:
    """Count what a reading did."""

    read: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)


class Reading:
    """Do one refresh; used once."""

    def __init__(
        self,
        index: Index,
        files: Sequence[FileRef],
        workers: int | None,
        progress: Callable[[int, int, str], None],
        control: Control,
    ) -> None:
        self._index = index
        self._files = files
        self._progress = progress
        self._control = control
        self._outcome = Outcome()
        self._todo: queue.SimpleQueue[FileRef] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[FileRef, dict[str, Any]] | None] = queue.SimpleQueue()
        self._workers = [Worker() for _ in range(workers or processors())]
        self._batch: list[Entry] = []
        self._since = time.monotonic()

    def run(self) -> Outcome:
        """Read; raise `SessionCancelled` or `Halted` when asked to."""
        self._obey(self._control)
        left = self._sort_out()
        total = len(self._files)
        if len(left) < total:
            self._progress(total - len(left), total, "")
        for file in left:
            self._todo.put(file)
        threads = self._start(min(len(left), len(self._workers)))
        self._control.on_stop(lambda: self._answers.put(None))
        try:
            self._collect(len(left), total)
        finally:
            for worker in self._workers:
                worker.close()
            for thread in threads:
                thread.join()
        self._commit()
        return self._outcome

    def _sort_out(self) -> list[FileRef]:
        """Give the files to read, and drop from the index those that are no longer named."""
        known = self._index.known()
        left = [file for file in self._files if not self._settled(file, known.get(os.fspath(file.path)))]
        gone = known.keys() - {os.fspath(file.path) for file in self._files}
        if gone:
            self._index.write((), gone)
        return left

    def _settled(self, file: FileRef, known: Known | None) -> bool:
        if _CONTROL.search(os.fspath(file.path)):
            self._fail(file, "its name holds a line break or another control character: rename it")
            return True
        try:
            stamp = Stamp.of(os.stat(file.path))
        except OSError as error:
            self._fail(file, str(refused(error)))
            return True
        if known is None or not known.still(stamp):
            return False
        if known.failure is not None:
            self._fail(file, known.failure)
        elif known.hash is not None:
            self._outcome.unchanged += 1
        return True

    def _fail(self, file: FileRef, reason: str) -> None:
        self._outcome.failures.append(Failure(name=file.name, reason=reason))

    def _start(self, count: int) -> list[threading.Thread]:
        threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True, name="jupyter-research-reader")
            for worker in self._workers[:count]
        ]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, worker: Worker) -> None:
        while not self._control.stopping:
            if worker is not self._workers[0] and is_tight():
                worker.close()
                return
            try:
                file = self._todo.get_nowait()
            except queue.Empty:
                return
            kind = kind_of(file.path) or "text"
            try:
                answer = worker.parse(file.path, kind, lambda hash_: not self._index.has(hash_))
            except Exception as error:
                answer = {"failure": f"cannot be parsed: {error}"}
            self._answers.put((file, answer))

    def _collect(self, left: int, total: int) -> None:
        done = total - left
        while done < total:
            answer = self._next()
            if answer is None:
                self._obey(self._control)
                continue
            file, parsed = answer
            self._take(file, parsed)
            done += 1
            self._progress(done, total, file.name)

    def _next(self) -> tuple[FileRef, dict[str, Any]] | None:
        """Wait for an answer; end the children whose time is up."""
        try:
            return self._answers.get(timeout=0.5)
        except queue.Empty:
            for worker in self._workers:
                if worker.deadline is not None and time.monotonic() > worker.deadline:
                    worker.kill("takes too long to parse")
            return None

    def _obey(self, control: Control) -> None:
        if control.drain_requested.is_set() and not control.cancelled.is_set():
            self._take_rest()
        control.stop_here()

    def _take_rest(self) -> None:
        until = time.monotonic() + _PATIENCE
        while any(worker.deadline is not None for worker in self._workers) and time.monotonic() < until:
            answer = self._next()
            if answer is not None:
                self._take(*answer)
        self._commit()

    def _take(self, file: FileRef, answer: dict[str, Any]) -> None:
        failure = answer.get("failure")
        if failure is not None:
            self._fail(file, failure)
        elif "nothing" not in answer:
            self._outcome.read += 1
        if "hash" not in answer:
            # Never opened: nothing to remember, it is looked at again the next time.
            return
        self._batch.append(
            Entry(
                path=file.path,
                name=file.name,
                kind=kind_of(file.path) or "text",
                stamp=Stamp(answer["stamp"]),
                checked=time.time_ns(),
                hash=None if failure is not None or "nothing" in answer else answer["hash"],
                failure=failure,
                parsed=answer if "text" in answer else None,
            )
        )
        chars = sum(len(entry.parsed["text"]) for entry in self._batch if entry.parsed)
        if (
            len(self._batch) >= _BATCH_FILES
            or chars > _BATCH_CHARS
            or time.monotonic() - self._since > _BATCH_SECONDS
        ):
            self._commit()

    def _commit(self) -> None:
        if self._batch:
            self._index.write(self._batch)
        self._batch = []
        self._since = time.monotonic()
