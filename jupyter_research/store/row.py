"""Hold what the store knows of a session besides its events."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ..events import State

#: The columns that a row is read from and written to, in their order.
COLUMNS: Final = "number, session_id, owner, state, key, record"

#: Writes the values of a row.
INSERT: Final = f"INTO sessions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """Hold one row of the table of sessions."""

    number: int
    session_id: str
    owner: str
    state: State
    key: str | None
    #: What the manager needs to go on after a restart.
    record: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> SessionRow:
        """Read the columns, as texts or as the bytes that a reader of events gives."""
        values: list[Any] = [value.decode() if isinstance(value, bytes) else value for value in row]
        number, session_id, owner, state, key, record = values
        return cls(
            number=number,
            session_id=session_id,
            owner=owner,
            state=State(state),
            key=key,
            record=orjson.loads(record),
        )

    def to_row(self) -> tuple[Any, ...]:
        """Give the values of the columns."""
        record = orjson.dumps(self.record).decode()
        return (self.number, self.session_id, self.owner, self.state.value, self.key, record)


def erase(connection: sqlite3.Connection, number: int) -> None:
    """Remove a session's row with all that hangs on it."""
    connection.execute("DELETE FROM events WHERE session = ?", (number,))
    connection.execute("DELETE FROM reports WHERE session = ?", (number,))
    connection.execute("DELETE FROM sizes WHERE session = ?", (number,))
    connection.execute("DELETE FROM sessions WHERE number = ?", (number,))
