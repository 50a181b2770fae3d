"""State what a model is: the one who thinks of analysts, questions, answers and sections.

The graph does not know which model it has. Whatever passes between them is JSON-shaped, so that the
ledger can record it and a checkpoint can hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict


class Analyst(TypedDict):
    """Describe one perspective on the topic; without a language model, a lens."""

    id: str
    name: str
    role: str
    affiliation: str
    description: str


class Hit(TypedDict):
    """Hold one passage that a search found; `text` stands at `start` of the document's stored text."""

    document: str
    title: str
    start: int
    end: int
    text: str
    page: int | None
    cell: int | None
    heading: str | None
    score: float


class Quote(TypedDict):
    """Point to what a claim rests on, as its model says; the checker has the last word."""

    document: str
    start: int
    end: int
    quote: str
    page: int | None
    cell: int | None
    heading: str | None


class _Draft(TypedDict):
    text: str
    quotes: list[Quote]
    #: How well it fits, for those who order claims; higher is better.
    score: float


class Draft(_Draft, total=False):
    """Hold a claim as it was written, before it is checked."""

    #: True for a sentence about the research itself, of which no source could tell; it needs no quote.
    note: bool
    #: How many code points of its first quote only lead to what it says, and can be left out.
    lead: int
    #: The passages that it cites, as its model read them; its quotes are parts of these.
    passages: list[Quote]


class Turn(TypedDict):
    """Hold one question of an analyst with its answer."""

    question: str
    query: str
    #: How many passages the search gave.
    found: int
    drafts: list[Draft]


class SectionDraft(TypedDict):
    """Hold a section before its claims are checked."""

    heading: str
    #: The id of the analyst whose section it is.
    analyst: str | None
    claims: list[Draft]


class Team(TypedDict):
    """Hold what a model proposes, and the sentence that asks a person about it."""

    analysts: list[Analyst]
    question: str


class Estimate(TypedDict):
    """Say before the work begins what it will take, each as the least and the most that is likely."""

    model: str
    #: Why this model.
    chosen: str
    #: Where topic and passages go; None where they stay on this machine.
    sends_to: str | None
    calls: list[int]
    tokens: list[int]
    #: In US dollars; None where nobody knows the price.
    money: list[float] | None
    #: All of that for people.
    sentence: str


class Corpus(Protocol):
    """Count words in the library, for models that weigh words by how rare they are."""

    def size(self) -> int:
        """Give the number of passages."""

    def frequency(self, term: str) -> int:
        """Give the number of passages that contain `term`, in any form that has its stem.

        Of several words, those passages count in which they stand side by side.
        """


#: Gives the spans of a text's sentences.
Splitter = Callable[[str], list[tuple[int, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Say what is to be researched, and in what."""

    topic: str
    corpus: Corpus
    #: How many analysts were asked for.
    count: int
    #: How many documents the library holds.
    documents: int
    #: What a person said about earlier proposals, in order.
    feedback: tuple[str, ...] = ()
    #: The online sources that will be asked as well, as people call them.
    online: tuple[str, ...] = ()


class Model(Protocol):
    """Think. Each method gives JSON-shaped values and has no effect elsewhere."""

    @property
    def name(self) -> str:
        """Give the name by which it is chosen."""

    @property
    def calls(self) -> bool:
        """Tell whether it makes calls that are recorded one by one."""

    def title(self, topic: str) -> str:
        """Give the title of a report."""

    def limits(self) -> tuple[str, ...]:
        """Give sentences that say what this model cannot do, for the report's limitations."""

    def estimate(self, analysts: int, turns: int) -> Estimate | None:
        """Say what a team will take; None where nothing is paid for and nothing is sent."""

    def propose(self, brief: Brief, hits: Sequence[Hit]) -> Team:
        """Propose analysts, given what a search for the topic finds."""

    def ask(self, brief: Brief, analyst: Analyst, turns: Sequence[Turn]) -> str:
        """Give the analyst's next question."""

    def phrase_query(self, brief: Brief, analyst: Analyst, question: str, turns: Sequence[Turn]) -> str:
        """Give the words to search for."""

    def answer(
        self, brief: Brief, analyst: Analyst, question: str, hits: Sequence[Hit], turns: Sequence[Turn]
    ) -> list[Draft]:
        """Answer from passages, and from nothing else."""

    def write_section(self, brief: Brief, analyst: Analyst, turns: Sequence[Turn]) -> SectionDraft:
        """Write the analyst's section from the answers."""

    def write_body(
        self, brief: Brief, sections: Sequence[SectionDraft], hits: Sequence[Hit]
    ) -> list[SectionDraft]:
        """Order the sections into a body, given all that was found for the topic itself."""

    def write_introduction(self, brief: Brief, body: Sequence[SectionDraft]) -> SectionDraft:
        """Write what stands before the body."""

    def write_conclusion(self, brief: Brief, body: Sequence[SectionDraft]) -> SectionDraft:
        """Write what stands after the body."""
