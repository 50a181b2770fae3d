"""Share the working slots out fairly: owners take turns, however much one of them has queued."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .job import Job


class Slots:
    """Grant slots. Not thread-safe: the manager's lock is held around every call.

    Args:
        total: how many sessions may work at once.
        per_owner: how many of one owner may; 0 for no limit.
    """

    def __init__(self, total: int, per_owner: int = 0) -> None:
        self._total = total
        self._per_owner = per_owner
        self._working: Counter[str] = Counter()
        # Owners in the order in which their turn comes.
        self._queues: OrderedDict[str, deque[Job]] = OrderedDict()

    @property
    def queued(self) -> int:
        """Count the jobs that wait for a slot."""
        return sum(len(jobs) for jobs in self._queues.values())

    def request(self, job: Job) -> bool:
        """Grant a slot at once, or queue the job; tell which."""
        if not self._queues and self.free(job.owner):
            self._working[job.owner] += 1
            return True
        self._queues.setdefault(job.owner, deque()).append(job)
        granted = self.grant()
        if granted:
            # With owners at their own limit in the queue, the newcomer may still be the one to go.
            assert granted == [job]
            return True
        return False

    def release(self, job: Job) -> None:
        """Take a slot back; `grant` then says who is next."""
        self._working[job.owner] -= 1
        if not self._working[job.owner]:
            del self._working[job.owner]

    def queues(self, job: Job) -> bool:
        """Tell whether a job waits for a slot."""
        return job in self._queues.get(job.owner, ())

    def withdraw(self, job: Job) -> bool:
        """Take a job out of the queue; tell whether it was there."""
        jobs = self._queues.get(job.owner)
        if jobs is None or job not in jobs:
            return False
        jobs.remove(job)
        if not jobs:
            del self._queues[job.owner]
        return True

    def grant(self) -> list[Job]:
        """Grant what is free to those whose turn it is."""
        granted: list[Job] = []
        while (owner := next((owner for owner in self._queues if self.free(owner)), None)) is not None:
            jobs = self._queues[owner]
            granted.append(jobs.popleft())
            self._working[owner] += 1
            if jobs:
                self._queues.move_to_end(owner)
            else:
                del self._queues[owner]
        return granted

    def free(self, owner: str) -> bool:
        """Tell whether a job of `owner` would work at once: whoever waits is held by a limit of its own."""
        if self._working.total() >= self._total:
            return False
        return not self._per_owner or self._working[owner] < self._per_owner
