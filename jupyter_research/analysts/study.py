"""Hold what the steps of one attempt work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ..errors import SessionCancelled
from ..ledger import CallKind, Ledger
from ..meter import Meter
from ..models import Brief, Corpus, Hit, Model
from ..work import Work
from .blend import blended
from .budget import Budget
from .online import Online
from .options import Options
from .progress import Progress
from .shelf import Shelf

T = TypeVar("T")

#: How many passages one search gives: about four hundred sentences to choose from.
PASSAGES: Final = 50


class Everything:
    """Count words in the library and in what the online sources have given."""

    def __init__(self, *parts: Corpus) -> None:
        self._parts = parts

    def size(self) -> int:
        """Give the number of passages."""
        return sum(part.size() for part in self._parts)

    def frequency(self, term: str) -> int:
        """Give the number of passages that contain `term`."""
        return sum(part.frequency(term) for part in self._parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Hold the parts; each is safe to use from parallel analysts."""

    work: Work
    options: Options
    ledger: Ledger
    shelf: Shelf
    online: Online
    model: Model
    progress: Progress
    budget: Budget
    meter: Meter

    def brief(self, documents: int, feedback: Sequence[str] = (), *, seen: Corpus | None = None) -> Brief:
        """Say to the model what is to be researched.

        Args:
            documents: how many the library has.
            feedback: what a person wished for.
            seen: what counts of the online sources, where that is not all that they have given so far.
        """
        return Brief(
            topic=self.work.topic,
            corpus=Everything(self.shelf, self.online.finds if seen is None else seen),
            count=self.options.analysts,
            documents=documents + self.online.finds.documents(),
            feedback=tuple(feedback),
            online=tuple(self.online.titles()),
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
        if not self.shelf.wanted:
            return []
        hits: list[Hit] = self.ledger.call(
            step, {"query": query, "k": PASSAGES}, lambda: self.shelf.search(query, PASSAGES), kind="search"
        )
        self.progress.searched(hit["document"] for hit in hits)
        return hits

    def find(self, name: str, step: str, query: str) -> list[Hit]:
        """Search an online source, through the ledger too; its steps lie beneath that of the library."""
        self.stop_if_cancelled()
        return self.online.find(name, f"{step}/{name}", query, PASSAGES)

    def hits(self, step: str, query: str) -> list[Hit]:
        """Give what the library and the online sources found at a step, the best first."""
        return blended(self.search(step, query), *self.finds(step, query))

    def finds(self, step: str, query: str) -> list[list[Hit]]:
        """Give what each of the online sources found at a step."""
        return [self.find(name, step, query) for name in self.online.names]

    def about_the_topic(self) -> list[Hit]:
        """Give what there is about the topic itself, in the library and in all that was found online."""
        topic = self.work.topic
        return blended(self.search("topic/search", topic), self.online.finds.search(topic, PASSAGES))

    def cite(self, document_id: str) -> None:
        """Store the text of a document that is quoted."""
        self.shelf.cite(document_id)
        self.online.finds.cite(document_id)

    def stop_if_cancelled(self) -> None:
        """Raise `SessionCancelled` where the session is."""
        if self.work.control.cancelled.is_set():
            raise SessionCancelled("The session was cancelled.")
