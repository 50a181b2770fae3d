"""Put further questions to the library of a session: passages, and sentences word for word as an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from .._version import __version__
from ..citations import Checker, Registry
from ..documents import sentences
from ..errors import InvalidRequest
from ..events import utc_now
from ..models import AT_ODDS_HEADING, CLOSEST_HEADING, Brief, Draft, Extractive
from ..report import Claim, Report, Section
from ..work import Work
from .blend import blended
from .cited import CitedTexts
from .claims import claim_of
from .finds import Finds
from .search import record
from .shelf import Shelf
from .study import PASSAGES, Everything

_HEADING: Final = "What these sources say"
_MOST: Final = 4000


class Followup:
    """Hold open what a session has read, its files and what online sources gave, for a question."""

    def __init__(self, work: Work, shelf: Shelf, finds: Finds) -> None:
        self._work = work
        self._shelf = shelf
        self._finds = finds
        self._cited = CitedTexts(work.folder)
        self._model = Extractive(sentences)

    @classmethod
    @contextmanager
    def of(cls, work: Work, indexes: Path) -> Iterator[Followup]:
        """Open the library as the session has read it; it is read anew where its index is gone."""
        with closing(Shelf(work, indexes)) as shelf, closing(Finds(work.folder)) as finds:
            shelf.reopen(lambda done, total, name: None)
            yield cls(work, shelf, finds)

    def search(self, query: str, k: int) -> list[dict[str, Any]]:
        """Give the passages that fit best."""
        found = [*self._shelf.passages(query, k), *self._finds.passages(query, k)]
        return [record(passage) for passage in sorted(found, key=lambda one: -one.score)[:k]]

    def answer(self, question: str) -> Report:
        """Answer with sentences of the library; where none is found, the topic is asked beside it."""
        claims = self._found(question) or self._found(f"{question} {self._work.topic}")
        for document in {quote["document"] for claim in claims for quote in claim["quotes"]}:
            self._shelf.cite(document)
            self._finds.cite(document)
        return self._report(question, claims)

    def _found(self, question: str) -> list[Draft]:
        """Give the sentences closest to a question as a whole, those at odds with one another too."""
        documents = len(self._shelf.documents()) + self._finds.documents()
        corpus = Everything(self._shelf, self._finds)
        brief = Brief(topic=question, corpus=corpus, count=1, documents=documents)
        hits = blended(self._shelf.search(question, PASSAGES), self._finds.search(question, PASSAGES))
        body = self._model.write_body(brief, (), hits)
        about = (section for section in body if section["heading"] in (CLOSEST_HEADING, AT_ODDS_HEADING))
        return [draft for section in about for draft in section["claims"] if draft["quotes"]]

    def _report(self, question: str, claims: Sequence[Draft]) -> Report:
        checker, registry = Checker(self._cited.text), Registry()
        found = [checker.check(claim_of(claim, f"c{number}")) for number, claim in enumerate(claims, 1)]
        for claim in found:
            self._register(claim, registry)
        nothing = "Nothing about the question was found in what the session has read: try other words."
        return Report(
            title=" ".join(question.split()),
            session_id=self._work.session_id,
            topic=question,
            sections=(Section(heading=_HEADING, claims=tuple(found)),) if found else (),
            sources=registry.numbered(),
            limitations=(*self._model.limits(), *(() if found else (nothing,))),
            made={"date": utc_now(), "model": self._model.name, "version": __version__},
        )

    def _register(self, claim: Claim, registry: Registry) -> None:
        for citation in claim.citations:
            source = self._cited.source(citation.source)
            if source is not None:
                registry.use(source)


def checked_question(question: str) -> None:
    """Raise `InvalidRequest` for an empty question, or one that is too long; before anything is opened."""
    if not question.strip():
        raise InvalidRequest("The question is empty: say what is to be answered.")
    if len(question) > _MOST:
        raise InvalidRequest(f"The question has {len(question):,} characters: {_MOST:,} are allowed.")
