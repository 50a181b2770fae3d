"""State the lenses through which the extractive model looks at a library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .base import Analyst
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
    #: Patterns with their weights; the heaviest one that a sentence has counts.
    cues: tuple[tuple[re.Pattern[str], float], ...] = ()
    #: Stems that a person asked for in words of their own.
    terms: frozenset[str] = frozenset()
    #: Words of a person's feedback that mean this lens.
    nicknames: frozenset[str] = frozenset()

    def strength(self, text: str, stemmed: Sequence[str] = ()) -> float:
        """Say how much `text` is what this lens looks for: 0 when not at all."""
        strongest = max((weight for cue, weight in self.cues if cue.search(text)), default=0.0)
        if self.terms:
            share = len(self.terms.intersection(stemmed)) / min(3, len(self.terms))
            strongest = max(strongest, min(1.0, share))
        return strongest


def _cue(weight: float, pattern: str, flags: int = re.IGNORECASE) -> tuple[re.Pattern[str], float]:
    return re.compile(pattern, flags), weight


LENSES: Final = (
    Lens(
        id="what-it-is",
        name="What it is",
        role="Looks for definitions and descriptions",
        description="Sentences that say what something is, what it consists of and what it is for.",
        question="What is said to be meant by “{topic}”?",
        query="definition overview introduction concept",
        nicknames=frozenset("definition definitions define what introduction overview basics".split()),
        cues=(
            _cue(1.0, r"^\W*(?:\S+\s+){0,6}?(?:is|are) (?:an?|the|one of|a kind of|defined|called)\b(?! (?:same|case|way))"),
            _cue(1.0, r"\b(?:refers? to|defined as|known as|stands? for|is called|are called|consists? of)\b"),
            _cue(0.8, r"^\W*(?:\S+\s+){1,6}?(?:provides?|represents?|describes?|contains?|includes?|comprises?|"
                      r"implements?|defines?|allows?|enables?|lets|supports?|gives)\b"),
            _cue(0.7, r"\b(?:is|are) (?:used|designed|intended|responsible|meant) (?:to|for)\b|\bconcept of\b"),
            _cue(0.5, r"^\W*(?:\S+\s+){0,5}?(?:is|are)\b"),
        ),
    ),
    Lens(
        id="findings",
        name="Findings and numbers",
        role="Looks for results, amounts and comparisons",
        description="Sentences with results, measured numbers, limits, defaults, and what is more or less than what.",
        question="What results and numbers are given about “{topic}”?",
        query="results found showed increased decreased percent number default",
        nicknames=frozenset("finding findings number numbers result results data measurements statistics".split()),
        cues=(
            _cue(1.0, r"\d(?:[\d.,]*)\s*(?:%|percent|per cent|ms|s\b|seconds?|minutes?|hours?|days?|weeks?|months?|years?|"
                      r"MB|GB|KB|bytes|times|fold|mg|kg|ml|patients|participants|people|cases)|\b[pP]\s*[<=>]\s*0?\.\d|\bCI\b"),
            _cue(1.0, r"\b(?:results?|findings?|data|studies|experiments?|we|measurements) (?:\w+ )?(?:show(?:s|ed|n)?|"
                      r"found|suggests?|suggested|demonstrate[sd]?|indicate[sd]?|reveal(?:s|ed)?|confirm(?:s|ed)?|observed)\b"),
            _cue(0.9, r"\b(?:associated with|correlat\w+|significant(?:ly)?|odds ratio|hazard ratio|relative risk)\b"),
            _cue(0.7, r"\b(?:increase[sd]?|decrease[sd]?|reduce[sd]?|higher|lower|faster|slower|greater|fewer|more than|"
                      r"less than|at least|at most|up to|compared (?:with|to)|average|median|maximum|minimum)\b"),
            _cue(0.6, r"\bdefaults? (?:to|is|value)\b|\bby default\b|(?<![\w.])\d+(?:\.\d+)?(?![\w.])"),
        ),
    ),
    Lens(
        id="how-it-works",
        name="How it works",
        role="Looks for mechanisms, steps and conditions",
        description="Sentences that say how something comes about or is done, in which order, and by what means.",
        question="How do the sources say that it works or is done: “{topic}”?",
        query="how works mechanism process using through steps",
        nicknames=frozenset("how mechanism mechanisms works process steps implementation usage procedure".split()),
        cues=(
            _cue(1.0, r"\bby (?:\w+ly )?\w+ing\b|\bin order to\b|\bmechanisms?\b|\bmediate[sd]?\b|\bpathways?\b|\bso that\b"),
            _cue(0.9, r"\b(?:works?|happens?|occurs?) (?:by|through|via|when|as)\b|\bresponsible for\b|\bvia\b|\bthrough\b"),
            _cue(0.8, r"^\W*(?:When|If|Once|After|Before|While|Whenever|To)\b.*\b\w+", 0),
            _cue(0.7, r"\b(?:calls?|creates?|sends?|starts?|stores?|passes|returns?|checks?|reads?|writes?|runs?|launch(?:es)?|"
                      r"spawns?|generates?|converts?|activates?|inhibits?|binds?|regulates?|induces?|leads? to|causes?|"
                      r"uses|using|sets?|handles?|maps?|encrypts?|signs?|redirects?)\b"),
            _cue(0.5, r"\b(?:must|should|can be|you can|need to|then|first)\b"),
        ),
    ),
    Lens(
        id="caveats",
        name="Caveats and disagreement",
        role="Looks for limits, exceptions, warnings and contrary statements",
        description="Sentences that say what does not hold, what to beware of, and where things are contested.",
        question="Which limits, warnings and contrary statements are there about “{topic}”?",
        query="however limitation warning not although despite deprecated contrary",
        nicknames=frozenset("caveat caveats limit limits limitation limitations warning warnings risk risks disagreement "
                            "disagreements criticism problems contrary".split()),
        cues=(
            _cue(1.0, r"\b(?:however|although|despite|in contrast|on the other hand|contrary|controvers\w+|inconsistent|"
                      r"conflicting|caution|caveat|limitations?|beware|careful|warning|deprecated|insecure|vulnerab\w+|"
                      r"drawback|disadvantage|no evidence|unlike|nevertheless)\b"),
            _cue(0.8, r"\b(?:cannot|can't|must not|should not|shouldn't|do not|don't|does not|doesn't|did not|is not|isn't|are not|"
                      r"was not|were not|will not|won't|never|no longer|neither|nor|fails?|failed|unless|without)\b"),
            _cue(0.6, r"\b(?:but|only|except|instead|not|no|risks?|errors?|limited|unsafe|dangerous)\b"),
        ),
    ),
    Lens(
        id="open-questions",
        name="Open questions",
        role="Looks for what the sources call unknown, planned or unproven",
        description="Sentences that say what is not known, not done yet, or left to further work.",
        question="What do the sources leave open about “{topic}”?",
        query="unknown unclear remains future whether investigate further",
        nicknames=frozenset("open unknown unknowns future gaps questions unclear".split()),
        cues=(
            _cue(1.0, r"\b(?:unknown|unclear|uncertain|poorly understood|not (?:yet )?(?:known|clear|understood)|remains? to be|"
                      r"further (?:research|studies|study|work|investigation)|future (?:research|studies|work|versions?|releases?)|"
                      r"not yet|to be determined|open question|little is known|remains? (?:\w+ )?(?:unknown|unclear|"
                      r"controversial|elusive|uncertain)|TODO|FIXME)\b"),
            _cue(0.8, r"\b(?:we hypothesi[sz]e\w*|hypothesis|it is possible that|may be possible|to be investigated|planned|"
                      r"experimental|whether|needs? to be|warrants?)\b"),
        ),
    ),
)  # fmt: skip

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
        texts = [text for text, own in zip(texts, (known.name, known.role, known.description)) if text != own]
    terms = frozenset(stem for text in texts for stem in stems(text) if tells(stem))
    if known is None:
        name = analyst["name"]
        return Lens(
            id=analyst["id"], name=name, role=analyst["role"], description=analyst["description"],
            question=f"What is said about “{{topic}}” with regard to: {analyst['description'] or analyst['role'] or name}?",
            query=" ".join(dict.fromkeys(words(" ".join(texts)))), terms=terms,
        )  # fmt: skip
    if not terms:
        return known
    return Lens(
        id=known.id, name=analyst["name"], role=analyst["role"], description=analyst["description"],
        question=known.question, query=f"{' '.join(texts)} {known.query}", cues=known.cues, terms=terms,
    )  # fmt: skip


def tells(stem: str) -> bool:
    """Tell whether a word that a person wrote about a lens says what to look for."""
    return not is_generic(stem) and stem not in _INSTRUCTIONS


#: What people write around the thing that they want to have looked for.
_INSTRUCTIONS: Final = frozenset(
    stem
    for stem in stems(
        "analyst analyse analyze expert specialist reviewer researcher engineer scientist professor doctor lens look focus "
        "perspective view viewpoint investigate examine explore sentence statement says said source interested practical"
    )
)
