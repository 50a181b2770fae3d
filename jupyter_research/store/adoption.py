"""Take over the sessions that a server has left in a folder beside this one's."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ..errors import ResearchError
from ..wal import write_ahead
from .database import Store
from .folder import Folder, claim_exactly
from .row import COLUMNS, SessionRow, erase
from .schema import connect, migrate
from .writer import settle

log = logging.getLogger(__name__)


def adopt(folder: Folder, store: Store) -> list[str]:
    """Move the sessions of siblings that nobody holds any more into this store; give their ids.

    Killed between any two steps it leaves each session whole in one of the two places, or in both, and
    the next time goes on.
    """
    adopted: list[str] = []
    for _, sibling in folder.siblings():
        try:
            held = claim_exactly(sibling, base=folder.base)
        except ResearchError as error:
            log.debug("Nothing is taken over from %s: %s", sibling, error)
            continue
        if held is None:
            continue
        try:
            for session_id in _adopt_all(held, folder, store):
                adopted.append(session_id)  # One by one: what was moved before an error is moved.
        except (sqlite3.Error, OSError, ResearchError) as error:
            log.warning("The sessions in %s cannot be taken over: %s", sibling, error)
        finally:
            held.release()
    if adopted:
        log.info("%d sessions that other servers left were taken over.", len(adopted))
    return adopted


def _adopt_all(held: Folder, folder: Folder, store: Store) -> Iterator[str]:
    path = held.path / "research.sqlite"
    with closing(connect(path)) as connection:
        write_ahead(connection, path)
        migrate(connection, path)
        for row in connection.execute(_SESSIONS).fetchall():
            found = SessionRow.from_row(row)
            _move_files(held.sessions / found.session_id, folder.sessions / found.session_id)
            settle(store.take_in(found, connection))
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                erase(connection, found.number)
            yield found.session_id


_SESSIONS = f"SELECT {COLUMNS} FROM sessions ORDER BY number"


def _move_files(source: Path, target: Path) -> None:
    if source.is_dir() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source.rename(target)
