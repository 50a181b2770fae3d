"""Say how many children may parse at once: as many as a Hub gives processors, fewer when memory is short.

A JupyterHub tells its limits to the server it spawns by `CPU_LIMIT` and `MEM_LIMIT`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_MOST: Final = 4
#: With less than this left below the limit, files are read one at a time.
_TIGHT: Final = 200 * 1024 * 1024


def processors(environment: Mapping[str, str] = os.environ) -> int:
    """Give the number of children that fit the processors."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    limit = _number(environment.get("CPU_LIMIT"))
    if limit:
        count = min(count, int(limit))
    return max(1, min(_MOST, count))


def is_tight(environment: Mapping[str, str] = os.environ, processes: Path = Path("/proc")) -> bool:
    """Tell whether memory is short below the Hub's limit; never where there is none."""
    limit = _number(environment.get("MEM_LIMIT"))
    return bool(limit) and sum(_resident(processes)) + _TIGHT > limit


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _resident(processes: Path) -> Iterator[int]:
    """Give the resident bytes of this user's processes: kernels fill the same limit."""
    page, user = os.sysconf("SC_PAGE_SIZE"), os.getuid()
    for entry in processes.glob("[0-9]*"):
        try:
            if entry.stat().st_uid == user:
                yield int((entry / "statm").read_text().split()[1]) * page
        except (OSError, ValueError, IndexError):
            continue
