"""Give back to the system what ended sessions have left free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Memory:
    """Let the C library hand over the pages that it keeps for allocations to come.

    Threads allocate in arenas of their own, and of an arena glibc gives back only what lies at its end: a
    server that has worked for a quarter of an hour would hold a seventh more than is in use.
    """

    def __init__(self, ended: Callable[[], int]) -> None:
        """Take what counts the stretches of work that are over."""
        self._ended = ended
        self._seen = 0

    def give_back(self) -> None:
        """Give back what is free, where work has ended since the last time."""
        ended = self._ended()
        if ended != self._seen:
            self._seen = ended
            trim = _trim()
            if trim is not None:
                trim(0)


def _trim() -> Any:
    """Find glibc's function for it; None elsewhere."""
    import ctypes

    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
