"""Hold what the steps of one attempt work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ..errors import SessionCancelled
from ..ledger import CallKind, Ledger
from ..models import Brief, Hit, Model
from ..work import Work
from .budget import Budget
from .options import Options
from .progress import Progress
from .shelf import Shelf

T = TypeVar("T")

#: How many passages one search gives: about four hundred sentences to choose from.
PASSAGES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Hold the parts; each is safe to use from parallel analysts."""

    work: Work
    options: Options
    ledger: Ledger
    shelf: Shelf
    model: Model
    progress: Progress
    budget: Budget

    def brief(self, documents: int, feedback: Sequence[str] = ()) -> Brief:
        """Say to the model what is to be researched."""
        return Brief(
            topic=self.work.topic,
            corpus=self.shelf,
            count=self.options.analysts,
            documents=documents,
            feedback=tuple(feedback),
        )

    def ask(self, step: str, request: Any, perform: Callable[[], T]) -> T:
        """Ask the model, through the ledger."""
        self.stop_if_cancelled()
        asked = {"model": self.model.name, "topic": self.work.topic, "request": request}
        # A model that makes calls of its own records each of them: what is made of those is a step.
        kind: CallKind = "step" if self.model.calls else "model"
        return self.ledger.call(step, asked, perform, kind=kind)

    def search(self, step: str, query: str) -> list[Hit]:
        """Search the library, through the ledger: after a resume the same passages are found."""
        self.stop_if_cancelled()
        return self.ledger.call(
            step, {"query": query, "k": PASSAGES}, lambda: self.shelf.search(query, PASSAGES), kind="search"
        )

    def stop_if_cancelled(self) -> None:
        """Raise `SessionCancelled` where the session is."""
        if self.work.control.cancelled.is_set():
            raise SessionCancelled("The session was cancelled.")
