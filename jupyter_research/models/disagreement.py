"""Find sentences of different documents that use the same words with another number or a negation.

That is all that code can see of a disagreement: the pairs are put side by side, and people judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final

from .pool import Sentence
from .words import NUMBER

_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|neither|nor|cannot|without|fail(?:s|ed)?|lack(?:s|ed)?|unlikely|absent)\b|n['’]t\b",
    re.I,
)
_OPPOSITE: Final = (
    ("increas", "decreas"), ("increas", "reduc"), ("higher", "lower"), ("more", "less"), ("improv", "worsen"),
    ("enabl", "disabl"), ("activ", "inhibit"), ("promot", "inhibit"), ("safe", "unsaf"), ("posit", "neg"),
)  # fmt: skip
#: The share of words that two sentences must have in common.
_ALIKE: Final = 0.5


def opposed(sentences: Sequence[Sentence], most: int = 3) -> list[tuple[Sentence, Sentence]]:
    """Give pairs of sentences that may contradict each other, the most alike first."""
    found: list[tuple[float, Sentence, Sentence]] = []
    plain = {id(sentence): _content(sentence.stems) for sentence in sentences}
    for one, other in combinations(sentences, 2):
        if one.document == other.document:
            continue
        alike = _overlap(plain[id(one)], plain[id(other)])
        if alike >= _ALIKE and _opposes(one, other):
            found.append((alike, one, other))
    found.sort(key=lambda item: (-item[0], item[1].key, item[2].key))
    pairs: list[tuple[Sentence, Sentence]] = []
    used: set[tuple[str, int]] = set()
    for _, one, other in found:
        if one.key not in used and other.key not in used:
            used |= {one.key, other.key}
            pairs.append((one, other))
    return pairs[:most]


def _opposes(one: Sentence, other: Sentence) -> bool:
    if bool(_NEGATION.search(one.text)) != bool(_NEGATION.search(other.text)):
        return True
    first, second = set(NUMBER.findall(one.text)), set(NUMBER.findall(other.text))
    if first and second and first.isdisjoint(second):
        return True
    return any(
        (_has(one, left) and _has(other, right)) or (_has(one, right) and _has(other, left))
        for left, right in _OPPOSITE
    )


def _has(sentence: Sentence, beginning: str) -> bool:
    return any(stem.startswith(beginning) for stem in sentence.stems)


def _content(stemmed: Iterable[str]) -> frozenset[str]:
    opposites = tuple(word for pair in _OPPOSITE for word in pair)
    return frozenset(stem for stem in stemmed if not stem[0].isdigit() and not stem.startswith(opposites))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    # Of all words of both: a short sentence that a long one happens to contain is no counterpart to it.
    return common / len(one | other) if common >= 3 else 0.0
