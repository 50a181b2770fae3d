"""Tell a damaged file from one that cannot be reached, and set it aside."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

#: What a damaged file is called from then on; its journal keeps the same name with `-wal`.
ASIDE: Final = "research.damaged-{}.sqlite"

#: SQLITE_CORRUPT and SQLITE_NOTADB.
_CODES: Final = (11, 26)

#: How long a look at a file may hold up a start, in seconds.
_PATIENCE: Final = 5.0


class Damaged(sqlite3.DatabaseError):
    """The file is damaged."""


def is_damage(error: BaseException) -> bool:
    """Tell whether an error says that the file itself is bad, whatever disk and locks do."""
    if isinstance(error, Damaged):
        return True
    code = getattr(error, "sqlite_errorcode", None)  # From Python 3.11 on.
    if code is not None:
        return code & 0xFF in _CODES
    return isinstance(error, sqlite3.DatabaseError) and (
        "malformed" in str(error) or "not a database" in str(error)
    )


def look_over(connection: sqlite3.Connection, seconds: float = _PATIENCE) -> None:
    """Read the whole file once, as far as that takes no longer than `seconds`.

    Raises:
        sqlite3.DatabaseError: one that is a damage, where something does not fit together.
    """
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        return  # Interrupted by the clock: what was read is well.
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise Damaged(found)


def notices(folder: Path) -> list[str]:
    """Give a sentence for each file that was set aside and that nobody has looked after since."""
    return [
        f"A damaged file was set aside as {kept.name}: the sessions in it are not shown. `jupyter research "
        "doctor` says what can be done, and this notice ends when the file is gone."
        for kept in sorted(folder.glob(ASIDE.format("*")))
    ]


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, with its journal; nobody may have it open."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(ASIDE.format(stamp))
    # The journal first: without its file nothing reads it, but beside a new one it would be played into that.
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            os.replace(part, f"{aside}{suffix}")
    return aside
