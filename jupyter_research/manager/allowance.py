"""Watch what sessions may use beyond their slots: time at work, and room on the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import LimitReached, ResearchError
from ..report import Report
from ..store import Store
from .job import Job
from .transitions import Transitions

log = logging.getLogger(__name__)

#: Seconds more for a researcher that plans: told of the limit as its budget, it ends by itself with a report.
GRACE: Final = 60.0

#: Seconds after which another try at a start makes sense; somebody has to delete something first.
_RETRY: Final = 600


class Allowance:
    """End what has worked for too long, and refuse those who fill the disk."""

    def __init__(
        self,
        store: Store,
        transitions: Transitions,
        session_folder: Callable[[str], Path],
        partial: Callable[[Job], Report],
    ) -> None:
        """Take what is asked; `partial` gives what a session has found so far, or raises `ResearchError`."""
        self._store = store
        self._transitions = transitions
        self._session_folder = session_folder
        self._partial = partial
        #: By owner and session, what its folder took when its log took so much: both grow by work alone.
        self._folders: dict[str, dict[str, tuple[int, int]]] = {}

    def end_overdue(self) -> None:
        """Complete the sessions whose time is up, with what they have found."""
        with self._transitions.lock:
            overdue = [job for job in self._transitions.jobs.values() if self._overdue(job)]
        for job in overdue:
            # It reads files, so not under the lock: whoever cancels meanwhile need not wait.
            report = self._found(job)
            with self._transitions.lock:
                if self._overdue(job):
                    self._transitions.run_out(job, _time_up(self._limit), report)

    @property
    def _limit(self) -> int:
        return self._transitions.limits.max_session_seconds

    def _overdue(self, job: Job) -> bool:
        grace = GRACE if job.plans else 0
        return bool(self._limit) and job.state.working and job.seconds > self._limit + grace

    def _found(self, job: Job) -> Report | None:
        try:
            return self._partial(job)
        except ResearchError:
            return None  # Nothing, or a function, whose findings nobody knows.
        except Exception:
            # Its files are in use, and its time is up in any case.
            log.warning("Session %s has no partial report.", job.log.session_id, exc_info=True)
            return None

    def check_time(self, job: Job) -> None:
        """Refuse to go on with a session whose time is up."""
        if self._limit and job.seconds > self._limit:
            raise LimitReached(_time_up(self._limit), retry_after=_RETRY)

    def check_room(self, owner: str) -> None:
        """Refuse a new session to somebody whose sessions fill the room that one person has."""
        limit = self._transitions.limits.max_bytes_per_owner
        if not limit:
            return
        used = self.used(owner)
        if used >= limit:
            raise LimitReached(
                f"Your sessions take {_megabytes(used)}, and each person has {_megabytes(limit)} here: "
                "delete some of them, by `session.delete()` or `jupyter research delete`.",
                retry_after=_RETRY,
            )

    def used(self, owner: str) -> int:
        """Count the bytes of an owner's sessions: logs, reports, and the files of each."""
        logged, known = self._store.sizes(owner), self._folders.get(owner, {})
        # Hundreds of folders on a slow disk are a second's walk, which each start would wait for.
        taken = {
            one: known[one] if known.get(one, (-1,))[0] == size else (size, _size(self._session_folder(one)))
            for one, size in logged.items()
        }
        self._folders[owner] = taken
        return sum(map(sum, taken.values()))


def _time_up(limit: int) -> str:
    return (
        f"The session has worked for the {limit:,} seconds that one may: start one that does less, "
        "or have ResearchApp.max_session_seconds raised."
    )


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            pass  # Gone since: a session at work has files of the moment.
    return total


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
