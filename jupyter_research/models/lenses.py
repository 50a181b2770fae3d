"""State the lenses through which the extractive model looks at a library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .base import Analyst
from .cues import CAVEATS, DEFINED, DEFINITION, FINDINGS, MECHANISM, OPEN_QUESTIONS, Cues
from .words import is_generic, stems, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """Look for one kind of sentence by its cue words."""

    id: str
    name: str
    role: str
    description: str
    #: The first question; `{topic}` stands for the topic.
    question: str
    #: Words that a second search adds to the topic's.
    query: str
    #: Patterns with their weights, heaviest first: the first one that a sentence has counts.
    cues: Cues = ()
    #: What a sentence says it about, where that must be something of the topic.
    about: re.Pattern[str] | None = None
    #: Stems that a person asked for in words of their own.
    terms: frozenset[str] = frozenset()
    #: Words of a person's feedback that mean this lens.
    nicknames: frozenset[str] = frozenset()

    def strength(self, text: str, stemmed: Sequence[str] = ()) -> float:
        """Say how much `text` is what this lens looks for: 0 when not at all."""
        strongest = next((weight for cue, weight in self.cues if cue.search(text)), 0.0)
        if self.terms:
            share = len(self.terms.intersection(stemmed)) / min(3, len(self.terms))
            strongest = max(strongest, min(1.0, share))
        return strongest


LENSES: Final = (
    Lens(
        id="what-it-is",
        name="What it is",
        role="Looks for definitions and descriptions",
        description="Sentences that say what something is, what it consists of and what it is for.",
        question="What is said to be meant by “{topic}”?",
        query="definition overview introduction concept",
        nicknames=frozenset(words("definition definitions define what introduction overview basics")),
        cues=DEFINITION,
        about=DEFINED,
    ),
    Lens(
        id="findings",
        name="Findings and numbers",
        role="Looks for results, amounts and comparisons",
        description="Sentences with results, measured numbers, limits, defaults and comparisons.",
        question="What results and numbers are given about “{topic}”?",
        query="results found showed increased decreased percent number default",
        nicknames=frozenset(words("finding findings number numbers result results measurements statistics")),
        cues=FINDINGS,
    ),
    Lens(
        id="how-it-works",
        name="How it works",
        role="Looks for mechanisms, steps and conditions",
        description="Sentences that say how something comes about or is done, and by what means.",
        question="How do the sources say that it works or is done: “{topic}”?",
        query="how works mechanism process using through steps",
        nicknames=frozenset(words("how mechanism mechanisms works process steps implementation procedure")),
        cues=MECHANISM,
    ),
    Lens(
        id="caveats",
        name="Caveats and disagreement",
        role="Looks for limits, exceptions, warnings and contrary statements",
        description="Sentences that say what does not hold, what to beware of, and what is contested.",
        question="Which limits, warnings and contrary statements are there about “{topic}”?",
        query="however limitation warning not although despite deprecated contrary",
        nicknames=frozenset(
            words(
                "caveat caveats limit limits limitation limitations warning warnings risk risks disagreement "
                "disagreements criticism contrary"
            )
        ),
        cues=CAVEATS,
    ),
    Lens(
        id="open-questions",
        name="Open questions",
        role="Looks for what the sources call unknown, planned or unproven",
        description="Sentences that say what is not known, not done yet, or left to further work.",
        question="What do the sources leave open about “{topic}”?",
        query="unknown unclear remains future whether investigate further",
        nicknames=frozenset(words("open unknown unknowns future gaps questions unclear")),
        cues=OPEN_QUESTIONS,
    ),
)

_BY_ID: Final = {lens.id: lens for lens in LENSES}


def analyst_of(lens: Lens) -> Analyst:
    """Give the analyst that a lens makes: no invented name, no affiliation."""
    return {
        "id": lens.id,
        "name": lens.name,
        "role": lens.role,
        "affiliation": "",
        "description": lens.description,
    }


def lens_of(analyst: Analyst) -> Lens:
    """Give the lens for an analyst as a person left it.

    What was rewritten counts: the words of a new role or description become terms of the lens. An analyst
    that a person added looks for the words of its name, role and description.
    """
    known = _BY_ID.get(analyst["id"])
    texts = [analyst["name"], analyst["role"], analyst["description"]]
    if known is not None:
        texts = [
            text
            for text, own in zip(texts, (known.name, known.role, known.description), strict=True)
            if text != own
        ]
    terms = frozenset(stem for text in texts for stem in stems(text) if tells(stem))
    if known is None:
        name = analyst["name"]
        wish = (analyst["description"] or analyst["role"] or name).replace("{", "(").replace("}", ")")
        return Lens(
            id=analyst["id"], name=name, role=analyst["role"], description=analyst["description"],
            question=f"What is said about “{{topic}}” with regard to: {wish}?",
            query=" ".join(dict.fromkeys(words(" ".join(texts)))), terms=terms,
        )  # fmt: skip
    if not terms:
        return known
    return Lens(
        id=known.id, name=analyst["name"], role=analyst["role"], description=analyst["description"],
        question=known.question, query=f"{' '.join(texts)} {known.query}", cues=known.cues, about=known.about,
        terms=terms,
    )  # fmt: skip


def tells(stem: str) -> bool:
    """Tell whether a word that a person wrote about a lens says what to look for."""
    return not is_generic(stem) and stem not in _INSTRUCTIONS


#: What people write around the thing that they want to have looked for.
_INSTRUCTIONS: Final = frozenset(
    stem
    for stem in stems(
        "analyst analyse analyze expert specialist reviewer researcher engineer scientist professor doctor lens "
        "look focus perspective view viewpoint investigate examine explore sentence statement says said source "
        "interested practical"
    )
)
