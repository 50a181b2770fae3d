"""Open a chat model for one attempt of a session, and close it with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...ledger import Ledger
from ...work import Control
from ..base import Model, Splitter
from .entry import Entry
from .gate import Gates
from .prices import Price

if TYPE_CHECKING:
    from .calls import Purse
    from .model import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Hold what a chat model needs from its session."""

    entry: Entry
    key: str | None
    #: Why this model and no other.
    chosen: str
    #: Whether it is the choice of the person whose session it is.
    meant: bool = True
    price: Price | None
    #: What is to be said about a cap that holds nothing.
    unheld: str | None = None
    gates: Gates
    owner: str
    ledger: Ledger
    purse: Purse
    control: Control
    plain: Model
    split: Splitter
    missing: Missing

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"Opening({self.entry.name})"


@contextmanager
def opened(opening: Opening) -> Iterator[Model]:
    """Give the model over connections that a cancel of the session ends."""
    from .calls import Calls
    from .connection import Sockets, connected
    from .estimate import estimate
    from .model import Chat
    from .talk import Talk

    entry, sockets = opening.entry, Sockets()
    opening.control.on_cancel(sockets.shut)
    with connected(entry, opening.key, sockets) as chat:
        calls = Calls(
            entry,
            chat,
            ledger=opening.ledger,
            purse=opening.purse,
            gate=opening.gates.of(entry.gate, opening.key),
            owner=opening.owner,
            price=opening.price,
            control=opening.control,
            key=opening.key,
        )
        yield Chat(
            entry.name,
            Talk(calls),
            notes=opening.ledger,
            plain=opening.plain,
            split=opening.split,
            missing=opening.missing,
            meant=opening.meant,
            estimate=lambda analysts, turns: estimate(
                entry, opening.price, opening.chosen, analysts, turns, opening.unheld
            ),
        )
