"""Copy a data folder so that the copy fits together, also while a server writes there."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from ..errors import InvalidRequest, StorageFailed

#: What belongs to the process that holds the folder, and what SQLite keeps beside its files.
_OF_THE_MOMENT: Final = ("research.lock", "research.beat", "research.beside")
_BESIDE_SQLITE: Final = ("-wal", "-shm", "-journal")

#: Indexes are made anew from the files that they index.
_LEFT_OUT: Final = "indexes"

#: Pages copied before writers get their turn again.
_PAGES: Final = 1000


def back_up(folder: Path, target: Path) -> int:
    """Copy a data folder to a new one; give how many sessions the copy holds.

    The sessions' own files are copied first: the log, copied after them, is never behind what they say.

    Raises:
        InvalidRequest: when the target is there already, or there is nothing to copy.
        StorageFailed: when something cannot be read or written; nothing is left at the target then.
    """
    if not (folder / "research.sqlite").exists():
        raise InvalidRequest(f"{folder} holds no sessions: name the right one with --data-dir.")
    if target.exists():
        raise InvalidRequest(f"{target} is there already: name a folder that is not.")
    part = target.with_name(f"{target.name}.part")
    try:
        part.mkdir(parents=True, mode=0o700)
        try:
            sessions = _copy(folder, part)
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise StorageFailed(f"The copy {target} could not be made: {error}.") from error
    return sessions


def _copy(folder: Path, part: Path) -> int:
    main = folder / "research.sqlite"
    for source in sorted(folder.rglob("*")):
        inside = source.relative_to(folder)
        if inside.parts[0] in (_LEFT_OUT, main.name, *_OF_THE_MOMENT) or source.is_dir():
            continue
        if not source.name.endswith(_BESIDE_SQLITE):
            _copy_file(source, part / inside)
    _copy_file(main, part / main.name)
    with closing(sqlite3.connect(part / main.name)) as connection:
        (sessions,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    return int(sessions)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        if source.suffix == ".sqlite" and "damaged" not in source.name:
            _copy_database(source, target)
        else:
            shutil.copyfile(source, target)
    except (FileNotFoundError, sqlite3.OperationalError):
        if source.exists():
            raise
        target.unlink()  # Of a session that was deleted meanwhile.


def _copy_database(source: Path, target: Path) -> None:
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=30)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        # One reading transaction: without it each batch of commits would begin the copy anew.
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM sqlite_master").fetchone()
        reading.backup(writing, pages=_PAGES)
