"""Record every model call and search of a session before its result is used.

A call is known by the session, the place in its work (the step path) and what was asked (the request's
hash). A resumed session that comes by the same place with the same request gets the recorded answer,
so no call is paid for twice, whatever the checkpoint had kept.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from .events import utc_now
from .exclusive import Exclusive
from .meter import Meter
from .wal import write_ahead

T = TypeVar("T")
#: "search" is of the library, "online" of a service, "fetch" of a page; a "step" is put together of calls
#: that are recorded by themselves, and is no call of its own.
CallKind = Literal["model", "search", "online", "fetch", "step"]

_SCHEMA: Final = """
create table if not exists calls (
    number integer primary key autoincrement,
    session text not null,
    step text not null,
    request text not null,
    kind text not null,
    answer blob not null,
    seconds real not null,
    time text not null,
    unique (session, step, request)
);
create table if not exists usage (
    session text not null,
    input_tokens integer not null,
    output_tokens integer not null,
    money real not null
);
create table if not exists notes (
    session text not null,
    step text not null,
    kind text not null,
    count integer not null,
    unique (session, step, kind)
);
create table if not exists steps (
    number integer primary key autoincrement,
    session text not null,
    step text not null,
    time text not null,
    unique (session, step)
);
"""


class Ledger:
    """Keep the calls and the finished steps of one session in one SQLite file.

    Thread-safe: calls of parallel analysts run side by side, the same call never twice at once.
    """

    def __init__(self, path: Path, session_id: str, meter: Meter | None = None) -> None:
        self._session = session_id
        self._meter = meter or Meter()
        self._lock = threading.Lock()
        #: A second thread with the same call waits for the first one's answer.
        self._running = Exclusive()
        self._database = sqlite3.connect(path, check_same_thread=False, timeout=5, isolation_level=None)
        try:
            write_ahead(self._database, path)
            self._database.executescript(_SCHEMA)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Ledger:
        """Hand on the ledger."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def call(
        self,
        step: str,
        request: Any,
        perform: Callable[[], T],
        *,
        kind: CallKind = "model",
        usage: Callable[[T], Mapping[str, float]] | None = None,
    ) -> T:
        """Give the recorded answer of this call, else `perform` it and record what it gives.

        Args:
            step: where in the work the call is made, such as `"findings/turn-1/search"`.
            request: what is asked, JSON-able; with another request the call is another call.
            perform: makes the call. What it raises is not recorded, so that a resume tries again.
            kind: whose call it is, for the count of calls.
            usage: reads from the answer what it took: `input_tokens`, `output_tokens`, `money`.

        Returns:
            The answer as JSON gives it back: the first time is like every later time.
        """
        key = (step, request_hash(request))
        with self._running.at(key):
            known = self._recorded(key)
            if known is not None:
                return json.loads(known)  # type: ignore[no-any-return]  # what perform gave, through JSON
            begun = time.monotonic()
            given = perform()
            answer = json.dumps(given, ensure_ascii=False)
            seconds = time.monotonic() - begun
            taken = usage(given) if usage else None
            self._record(key, kind, answer, seconds, taken)
            if kind != "step":
                self._meter.took(kind, seconds)
            if taken is not None:
                self._meter.used(taken)
            return json.loads(answer)  # type: ignore[no-any-return]  # as above

    def finish(self, step: str) -> None:
        """Note that a step is done; again and again is once."""
        with self._lock:
            self._database.execute(
                "insert or ignore into steps (session, step, time) values (?, ?, ?)",
                (self._session, step, utc_now()),
            )

    def finished(self) -> list[str]:
        """Give the paths of the finished steps, in the order in which they were done."""
        query = "select step from steps where session = ? order by number"
        with self._lock:
            return [row[0] for row in self._database.execute(query, (self._session,))]

    def counts(self) -> dict[str, int]:
        """Give how many calls of each kind were made."""
        query = "select kind, count(*) from calls where session = ? group by kind order by kind"
        with self._lock:
            return dict(self._database.execute(query, (self._session,)).fetchall())

    def spend(self, usage: Mapping[str, float]) -> None:
        """Record what was taken without an answer to show for it."""
        with self._lock:
            self._spend(usage)

    def usage(self) -> dict[str, float]:
        """Give what all calls took together, over all attempts: tokens in and out, and money."""
        query = (
            "select coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(money), 0)"
            " from usage where session = ?"
        )
        with self._lock:
            taken, given, money = self._database.execute(query, (self._session,)).fetchone()
        return {"input_tokens": taken, "output_tokens": given, "money": money}

    def note(self, step: str, kind: str, count: int = 1) -> None:
        """Note something about a step that the report has to say; again and again is once."""
        with self._lock:
            self._database.execute(
                "insert or replace into notes (session, step, kind, count) values (?, ?, ?, ?)",
                (self._session, step, kind, count),
            )

    def notes(self) -> dict[str, int]:
        """Give how much was noted of each kind."""
        query = "select kind, sum(count) from notes where session = ? group by kind order by kind"
        with self._lock:
            return dict(self._database.execute(query, (self._session,)).fetchall())

    def seconds(self) -> float:
        """Give the time that all calls took together, over all attempts."""
        query = "select coalesce(sum(seconds), 0) from calls where session = ? and kind != 'step'"
        with self._lock:
            return float(self._database.execute(query, (self._session,)).fetchone()[0])

    def steps(self) -> list[tuple[str, str]]:
        """Give step path and kind of each call, in the order in which they were recorded."""
        query = "select step, kind from calls where session = ? order by number"
        with self._lock:
            return list(self._database.execute(query, (self._session,)))

    def answers(self, kind: CallKind) -> list[Any]:
        """Give the recorded answers of a kind, in the order in which they were recorded."""
        query = "select answer from calls where session = ? and kind = ? order by number"
        with self._lock:
            rows = self._database.execute(query, (self._session, kind)).fetchall()
        return [json.loads(zlib.decompress(row[0])) for row in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock, closing(self._database):
            pass

    def _recorded(self, key: tuple[str, str]) -> str | None:
        query = "select answer from calls where session = ? and step = ? and request = ?"
        with self._lock:
            row = self._database.execute(query, (self._session, *key)).fetchone()
        return zlib.decompress(row[0]).decode() if row else None

    def _record(
        self,
        key: tuple[str, str],
        kind: str,
        answer: str,
        seconds: float,
        usage: Mapping[str, float] | None,
    ) -> None:
        # Compressed: a search answers with the texts of all its passages, and they repeat one another.
        packed = zlib.compress(answer.encode(), 1)
        with self._lock, self._together():
            self._database.execute(
                "insert into calls (session, step, request, kind, answer, seconds, time)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (self._session, *key, kind, packed, seconds, utc_now()),
            )
            if usage is not None:
                self._spend(usage)

    def _spend(self, usage: Mapping[str, float]) -> None:
        self._database.execute(
            "insert into usage (session, input_tokens, output_tokens, money) values (?, ?, ?, ?)",
            (self._session, usage["input_tokens"], usage["output_tokens"], usage["money"]),
        )

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Write an answer and what it took together or not at all."""
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")


def request_hash(request: Any) -> str:
    """Give the hash of a request: the same for equal JSON, whatever the order of its keys."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
