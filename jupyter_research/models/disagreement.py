"""Find sentences of different documents that may contradict each other: code sees words, and people judge.

Two sentences are put side by side only where they speak of the same thing in the same words and differ in one
point that can be named: another number of the same unit, a negation of what the other says, an opposite.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final, NamedTuple

from .pool import Sentence
from .words import NUMBER, STOP_WORDS, is_generic, stem_of, words

_NEGATION: Final = re.compile(r"\b(?:not|never|cannot|fail(?:s|ed)? to)\b|n['’]t\b", re.I)
#: A finding that something is not there, with the word for what is missing.
_NONE_FOUND: Final = re.compile(
    r"\b(?:no|without(?: any)?|lack of) (?:\w+ly )?(?:\w+ )?(effects?|associations?|differences?|evidence|"
    r"benefits?|reductions?|increases?|decreases?|relationships?|correlations?|impact|improvements?|influence)\b",
    re.I,
)
#: Negations that deny nothing by themselves: a contrast, an addition, a limit.
_NO_DENIAL: Final = re.compile(
    r"\bnot (?:only|just|merely|necessarily|yet|all|every|always|the same)\b|\b(?:whether|if|or) not\b|"
    r"\bnot [^.;]{1,40}?\bbut\b|\bwhy not\b",
    re.I,
)
_ANY: Final = re.compile(
    r"\b(?:no|not|never|none|neither|nor|cannot|without|fail\w*|lack\w*|unlike\w*)\b|n['’]t\b", re.I
)
_OPPOSITE: Final = tuple(
    (left, right)
    for left, _, right in (
        pair.partition("/")
        for pair in (
            "increas/decreas increas/reduc increas/lower rais/lower higher/lower greater/smaller more/fewer "
            "improv/worsen enabl/disabl allow/forbid activ/inhibit promot/inhibit promot/suppress "
            "induc/inhibit safe/unsaf faster/slower benefici/harm protect/harm upregul/downregul"
        ).split()
    )
)
#: An amount and its unit; a share in per cent is a share of one thing here and of another there.
_COUNTED: Final = re.compile(r"(?<![\w.,/–-])(\d+(?:[.,]\d+)*)[ -]([^\W\d_]{2,})")
#: What follows a year, a table's number and the like is no unit.
_NO_UNIT: Final = frozenset(
    stem_of(word) for word in words("and or to of in the for with from between versus vs ci as at by is on")
)
#: Everybody whom a study may be about: no common subject.
_ANYBODY: Final = frozenset(
    stem_of(word)
    for word in words(
        "individuals patients women men people participants subjects children adults persons population "
        "study studies results data users group groups risk level levels rate rates"
    )
)
#: The share of the words of both that two sentences must have in common; one with few words has few to share.
_ALIKE: Final = 0.35
_FEWEST: Final = 3
#: The share where one finds what the other does not, wherever in the sentence it stands.
_SAME: Final = 0.5
#: How many words on either side of what is denied or turned around must be the other's, too.
_NEAR: Final = 4
#: A sentence with more numbers than these says too many things to be held against another.
_NUMBERS: Final = 2


class Pair(NamedTuple):
    """Hold two sentences with the point in which they differ, in words."""

    why: str
    one: Sentence
    other: Sentence


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reading:
    """Hold what is compared of one sentence."""

    sentence: Sentence

    @cached_property
    def content(self) -> frozenset[str]:
        """Give the stems that say what the sentence is about."""
        return frozenset(
            stem for stem in self.sentence.stems if not stem[0].isdigit() and not is_generic(stem)
        )

    @cached_property
    def row(self) -> tuple[str, ...]:
        """Give the stems of all words in order."""
        return _row(self.sentence.text)

    @cached_property
    def amounts(self) -> dict[str, frozenset[str]]:
        """Give the numbers by what they count; none of a sentence that is full of them."""
        found: dict[str, frozenset[str]] = {}
        if len(NUMBER.findall(self.sentence.text)) > _NUMBERS:
            return found
        for number, unit in _COUNTED.findall(self.sentence.text):
            name = stem_of(unit.lower())
            if name not in _NO_UNIT:
                found[name] = found.get(name, frozenset()) | {number.replace(",", "")}
        return found

    @cached_property
    def denied(self) -> frozenset[int]:
        """Give the places in `row` of the words that a negation denies."""
        text = _NO_DENIAL.sub(lambda match: " " * len(match[0]), self.sentence.text)
        # The words are counted in the sentence itself: what was blanked has words, too.
        found = {len(_row(self.sentence.text[: match.end()])) for match in _NEGATION.finditer(text)}
        return frozenset(place for place in found if place < len(self.row))

    @cached_property
    def missed(self) -> frozenset[str]:
        """Give the stems of what was looked for and not found."""
        return frozenset(stem_of(match[1].lower()) for match in _NONE_FOUND.finditer(self.sentence.text))

    @cached_property
    def denies(self) -> bool:
        """Tell whether there is any negation at all."""
        return bool(_ANY.search(self.sentence.text))

    def word(self, place: int) -> str:
        """Give the word at a place of `row` as it stands in the sentence."""
        return [word for word in words(self.sentence.text) if word not in STOP_WORDS][place]

    def places(self, beginning: str) -> list[int]:
        """Give the places of the words whose stems begin so."""
        return [place for place, stem in enumerate(self.row) if stem.startswith(beginning)]

    def before(self, place: int) -> frozenset[str]:
        """Give what stands before a word: what the sentence says something about."""
        return (frozenset(self.row[:place]) & self.content) - _ANYBODY

    def after(self, place: int) -> frozenset[str]:
        """Give what stands just after a word."""
        return frozenset(self.row[place + 1 : place + 1 + _NEAR]) & self.content


def opposed(sentences: Sequence[Sentence], most: int = 3) -> list[Pair]:
    """Give pairs of sentences that may contradict each other, the most alike first."""
    found: list[tuple[float, Pair]] = []
    for one, other in combinations([_Reading(sentence=sentence) for sentence in sentences], 2):
        if one.sentence.document == other.sentence.document:
            continue
        alike = _overlap(one.content, other.content)
        why = next(_differences(one, other), None) if alike >= _ALIKE else None
        if why is not None:
            found.append((alike, Pair(why, one.sentence, other.sentence)))
    found.sort(key=lambda item: (-item[0], item[1].one.key, item[1].other.key))
    pairs: list[Pair] = []
    used: set[tuple[str, int]] = set()
    for _, pair in found:
        keys = {pair.one.key, pair.other.key}
        if used.isdisjoint(keys):
            used |= keys
            pairs.append(pair)
    return pairs[:most]


def _differences(one: _Reading, other: _Reading) -> Iterator[str]:
    """Name the points in which two sentences about the same thing differ."""
    yield from _amounts(one, other)
    yield from _denials(one, other)
    yield from _denials(other, one)
    if not (one.denies or other.denies):
        for left, right in _OPPOSITE:
            yield from _turned(one, left, other, right)
            yield from _turned(one, right, other, left)


def _amounts(one: _Reading, other: _Reading) -> Iterator[str]:
    for unit in sorted(one.amounts.keys() & other.amounts.keys()):
        left, right = one.amounts[unit], other.amounts[unit]
        if left.isdisjoint(right) and len(left) == len(right) == 1:
            yield f"Another number: {min(left)} and {min(right)}"


def _denials(denying: _Reading, saying: _Reading) -> Iterator[str]:
    """Find what one sentence denies of a thing and the other says of it."""
    if saying.denies:
        return
    if _overlap(denying.content, saying.content) >= _SAME:
        for stem in sorted(denying.missed.intersection(saying.row)):
            yield f"One misses what the other has: “{saying.word(saying.row.index(stem))}”"
    for place in sorted(denying.denied):
        for there in saying.places(denying.row[place]):
            if _same_thing(denying, place, saying, there):
                yield f"One denies what the other says: “{saying.word(there)}”"


def _turned(one: _Reading, first: str, other: _Reading, second: str) -> Iterator[str]:
    """Find a thing that goes one way in one sentence and the opposite way in the other."""
    for place in one.places(first):
        for there in other.places(second):
            if _same_thing(one, place, other, there):
                yield f"Opposites: “{one.word(place)}” and “{other.word(there)}”"


def _same_thing(one: _Reading, place: int, other: _Reading, there: int) -> bool:
    """Tell whether two words are said of the same thing, and go on alike."""
    subject = one.before(place) & other.before(there)
    return bool(subject) and bool((one.after(place) & other.after(there)) - subject)


def _row(text: str) -> tuple[str, ...]:
    return tuple(stem_of(word) for word in words(text) if word not in STOP_WORDS)


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    # Of all words of both: a short sentence that a long one happens to contain is no counterpart to it.
    return common / len(one | other) if common >= _FEWEST else 0.0
