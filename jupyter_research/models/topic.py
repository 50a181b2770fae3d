"""Know what a topic is about: its terms, how rare each is, and which words stand in for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from .base import Corpus
from .words import forms, is_generic, neighbours, stem_of, stems

#: What a term of everyday speech weighs against one that says something.
_GENERIC_WEIGHT: Final = 0.2
#: What a related word, or a word of the heading or title, counts for a term that the sentence lacks.
_STAND_IN: Final = 0.5
#: What a word of the passage around counts for it, by the number of terms that matter. A sentence can hold
#: two or three terms itself; of a long question it never holds all.
_AROUND: Final = {1: 0.2, 2: 0.25, 3: 0.25, 4: 0.4}
#: What half of a phrase counts for itself where the other half is missing: an event is no event loop.
_HALF: Final = 0.4
#: The share of its rarer word's passages in which two neighbours must stand side by side to be a phrase.
_BOUND: Final = 0.4
#: How many related words a term may have.
_MOST_RELATED: Final = 6
#: From and up to so many terms a topic has a core without which a sentence is about something else.
_FEWEST_CORED: Final = 3
_CORED: Final = 5
#: As rare as the rarest term is one that weighs at least this share of it.
_AS_RARE: Final = 0.6
#: Up to so many terms a sentence can be expected to hold two itself.
_SHORT_TOPIC: Final = 3
#: The share of a topic that evidence must cover, by the number of terms that matter.
_THRESHOLDS: Final = {0: 1.0, 1: 0.4, 2: 0.5, 3: 0.5, 4: 0.36, 5: 0.3, 6: 0.24, 7: 0.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Weigh the stems of a topic by how rare they are in the library."""

    text: str
    counts: Mapping[str, int]
    #: The stems that say what the topic is about.
    keys: frozenset[str]
    weights: Mapping[str, float]
    #: Stems of the topic that do not occur in the library.
    absent: frozenset[str]
    #: The terms that matter and that the library has, the rarest first.
    known: tuple[str, ...]
    #: The rarest of them, without which a sentence is about something else; none for a long or a short topic.
    core: frozenset[str]
    #: For a stem of the topic the stems that the library uses together with it.
    related: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: For a stem of the topic those with which it makes a phrase of the library.
    phrases: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def threshold(self) -> float:
        """Give the coverage that evidence must have: the more terms, the smaller a share will do."""
        return _THRESHOLDS.get(len(self.keys), 0.18)

    def coverage(
        self, own: Collection[str], context: Collection[str] = (), around: Collection[str] = ()
    ) -> float:
        """Say which share of the topic a sentence covers, by weight.

        Args:
            own: the stems of the sentence.
            context: those of its heading and title, which count half.
            around: those of its passage, which count less.
        """
        passage = _AROUND.get(len(self.keys), _STAND_IN)
        total = sum(self.weights.values())
        if not total:
            return 0.0
        got = 0.0
        for stem, weight in self.weights.items():
            if stem in own:
                got += weight if self._whole(stem, own) else weight * _HALF
            elif stem in context or not self.related.get(stem, frozenset()).isdisjoint(own):
                got += weight * _STAND_IN
            elif stem in around:
                got += weight * passage
        return got / total

    def _whole(self, stem: str, own: Collection[str]) -> bool:
        """Tell whether a word stands with the rest of its phrase."""
        others = self.phrases.get(stem)
        return not others or not others.isdisjoint(own)

    def _stood_in(self, own: Collection[str]) -> bool:
        return any(not self.related.get(stem, frozenset()).isdisjoint(own) for stem in self.core)

    def touches(self, own: Collection[str], context: Collection[str], around: Collection[str]) -> bool:
        """Tell whether a sentence has a term that matters, and a second one, if there are more, at hand.

        One rare word may outweigh the rest of the topic and still be about something else.
        """
        if self.keys.isdisjoint(own) and (len(self.keys) > 1 or self.keys.isdisjoint(context)):
            return False
        if self.core and not self.core & {*own, *context, *around} and not self._stood_in(own):
            return False
        wanted = min(2, len(self.keys))
        # What the passage is about counts where the sentence itself says more of the topic than one word.
        near = around if len(self.keys) > _SHORT_TOPIC or len(self.counts.keys() & own) > 1 else ()
        at_hand = 0
        for stem in self.keys:
            found = (stem in own and self._whole(stem, own)) or stem in context or stem in near
            at_hand += found or not self.related.get(stem, frozenset()).isdisjoint(own)
        return at_hand >= wanted


def read_topic(text: str, corpus: Corpus) -> Topic:
    """Weigh the words of a topic by the library's own frequencies."""
    counts = Counter(stems(text))
    size = corpus.size()
    found = {stem: corpus.frequency(word) for stem, word in forms(text).items()}
    rarity = {stem: math.log(1 + size / (1 + number)) for stem, number in found.items() if number}
    # A word that the library lacks is the rarest of all; a cap keeps one misspelt word from hiding the rest.
    unknown = min(math.log(2 + size), 1.1 * max(rarity.values(), default=math.inf))
    weights = {
        stem: rarity.get(stem, unknown) * (_GENERIC_WEIGHT if is_generic(stem) else 1.0) for stem in counts
    }
    absent = frozenset(stem for stem, number in found.items() if not number)
    keys = frozenset(stem for stem in counts if not is_generic(stem)) or frozenset(counts)
    known = tuple(sorted(keys - absent, key=lambda stem: (-weights[stem], stem)))
    return Topic(
        text=text,
        counts=counts,
        keys=keys,
        weights=weights,
        absent=absent,
        known=known,
        core=_core(known, weights),
        phrases=_phrases(text, found, corpus),
    )


def _core(known: Sequence[str], weights: Mapping[str, float]) -> frozenset[str]:
    """Give the rarest term, and a second one that is about as rare."""
    if not _FEWEST_CORED <= len(known) <= _CORED:
        return frozenset()
    least = _AS_RARE * weights[known[0]]
    return frozenset(stem for stem in known[:2] if weights[stem] >= least)


def _phrases(text: str, found: Mapping[str, int], corpus: Corpus) -> dict[str, frozenset[str]]:
    """Find the neighbours in a topic that the library uses side by side, too."""
    phrases: dict[str, frozenset[str]] = {}
    for one, other in neighbours(text):
        left, right = stem_of(one), stem_of(other)
        rarer = min(found.get(left, 0), found.get(right, 0))
        if left != right and rarer > 1 and corpus.frequency(f"{one} {other}") >= _BOUND * rarer:
            phrases[left] = phrases.get(left, frozenset()) | {right}
            phrases[right] = phrases.get(right, frozenset()) | {left}
    return phrases


def with_related(topic: Topic, passages: Sequence[Mapping[str, str]], corpus: Corpus) -> Topic:
    """Give the topic with the library's own synonyms: words that keep company with one of its terms.

    Args:
        topic: as `read_topic` gives it.
        passages: for each passage that the search found its stems, each with a word that has it.
        corpus: tells how rare a word is elsewhere.
    """
    keys = topic.keys - topic.absent
    if len(keys) < 2:
        return topic
    together = [passage for passage in passages if len(keys.intersection(passage)) >= 2]
    related = {stem: frozenset(_company(stem, topic, together, corpus)) for stem in keys}
    return replace(topic, related=related)


def _company(stem: str, topic: Topic, passages: Iterable[Mapping[str, str]], corpus: Corpus) -> list[str]:
    """Find the words that passages with `stem` and another of the terms have far more often than others."""
    having = [passage for passage in passages if stem in passage]
    if len(having) < 3:
        return []
    seen = Counter(word for passage in having for word in passage)
    enough = max(3, 0.25 * len(having))
    usual = [word for word, number in seen.most_common(60) if number >= enough and _telling(word, topic)]
    size = max(1, corpus.size())
    form = {word: next(passage[word] for passage in having if word in passage) for word in usual}
    lifts = {
        word: (seen[word] / len(having)) / (max(1, corpus.frequency(form[word])) / size) for word in usual
    }
    # The commoner of the two must not be what makes them meet: only a word at home here is a synonym.
    chosen = [word for word in usual if lifts[word] >= 4]
    chosen.sort(key=lambda word: (-lifts[word] * seen[word], word))
    return chosen[:_MOST_RELATED]


def _telling(word: str, topic: Topic) -> bool:
    return len(word) > 2 and not word.isdigit() and word not in topic.counts and not is_generic(word)
