"""Gather the sentences of passages and rank them: how near to the topic, how unlike one another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .base import Draft, Hit, Splitter
from .prose import ADDRESS, label, leans, quotability
from .topic import Topic
from .words import stems

#: Two sentences more alike than this say the same thing.
_SAME: Final = 0.75
#: How much of a sentence's nearness depends on the share of the topic that it covers itself.
_COVERED: Final = 0.3
#: Of what is about the topic so many are taken however far they are: a small library has no better.
_FEW: Final = 10
#: What it costs a sentence that it cannot be understood without another, which cannot be quoted.
_LEANING: Final = 0.6
#: How long a sentence may be together with the one that it leans on.
_LONGEST: Final = 480
#: What it costs a sentence to have none of the words that matter itself, but only stand where they do.
_BESIDE: Final = 0.6
#: What likeness to sentences already chosen costs against nearness to the topic.
_DIVERSITY: Final = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Sentence:
    """Hold one sentence of a passage."""

    document: str
    title: str
    start: int
    end: int
    text: str
    page: int | None
    cell: int | None
    heading: str | None
    stems: tuple[str, ...]
    #: Stems of the heading and of the document's title, and of the passage around.
    context: frozenset[str]
    around: frozenset[str]
    #: The sentence before it with what parts the two, where it cannot be understood without.
    lead: str = ""

    @cached_property
    def key(self) -> tuple[str, int]:
        """Tell it from other sentences."""
        return self.document, self.start

    @cached_property
    def quality(self) -> float:
        """Say how well it stands as evidence, 0 to 1: found out only when it is asked for."""
        alone = _LEANING if leans(self.text) and not self.lead else 1.0
        return alone * quotability(self.text)

    def draft(self, score: float) -> Draft:
        """Give the claim that quotes it, together with the sentence that it leans on."""
        quote = self.lead + self.text
        return {
            "text": " ".join(quote.split()),
            "score": round(score, 6),
            "lead": len(self.lead),
            "quotes": [
                {
                    "document": self.document,
                    "start": self.start - len(self.lead),
                    "end": self.end,
                    "quote": quote,
                    "page": self.page,
                    "cell": self.cell,
                    "heading": self.heading,
                }
            ],
        }


def cut(hit: Hit, split: Splitter) -> list[Sentence]:
    """Cut a passage into its sentences."""
    context = frozenset(stems(f"{hit['title']} {hit['heading'] or ''}"))
    text = hit["text"]
    spans = [(start + label(text[start:end]), end) for start, end in split(text)]
    # An address is not what a sentence says.
    stemmed = [tuple(stems(ADDRESS.sub(" ", text[start:end]))) for start, end in spans]
    around = frozenset(stem for sentence in stemmed for stem in sentence)
    found = []
    before = (0, 0)
    for (start, end), own in zip(spans, stemmed, strict=True):
        found.append(
            Sentence(
                document=hit["document"],
                title=hit["title"],
                start=hit["start"] + start,
                end=hit["start"] + end,
                text=text[start:end],
                page=hit["page"],
                cell=hit["cell"],
                heading=hit["heading"],
                stems=own,
                context=context,
                around=around,
                lead=_lead(text, before, start, end),
            )
        )
        before = (start, end)
    return found


def _lead(text: str, before: tuple[int, int], start: int, end: int) -> str:
    """Give what a sentence leans on: the one just before it, if that can stand without another."""
    first, last = before
    joint = text[last:start]
    if not leans(text[start:end]) or not joint.isspace() or end - first > _LONGEST:
        return ""
    other = text[first:last]
    return text[first:start] if "\n\n" not in joint and quotability(other) and not leans(other) else ""


class Pool:
    """Hold the sentences that a search found, each once, with their nearness to the topic.

    Nearness is half the passage's place in the search, half the cosine of sentence and topic (measured on
    SciFact: better than either alone). Words are weighed by their rarity among the sentences found, those of
    the topic by their rarity in the library.
    """

    def __init__(self, topic: Topic, hits: Sequence[Hit], cutter: Callable[[Hit], list[Sentence]]) -> None:
        self.topic = topic
        self.sentences: list[Sentence] = []
        self.nearness: dict[tuple[str, int], float] = {}
        best = max((hit["score"] for hit in hits), default=0.0) or 1.0
        passage: dict[tuple[str, int], float] = {}
        said: set[tuple[str, ...]] = set()
        for hit in hits:
            for sentence in cutter(hit):
                if sentence.key not in passage and sentence.stems not in said:
                    passage[sentence.key] = hit["score"] / best
                    said.add(sentence.stems)
                    self.sentences.append(sentence)
        self._rarity = _rarity(self.sentences, topic)
        self._vectors: dict[tuple[str, int], dict[str, float]] = {}
        wanted = _vector(topic.counts, self._rarity)
        for sentence in self.sentences:
            # Most sentences of a large library have no word of the topic: none of them is weighed in vain.
            shares = not topic.counts.keys().isdisjoint(sentence.stems)
            likeness = _cosine(self.vector(sentence), wanted) if shares else 0.0
            near = 0.5 * passage[sentence.key] + 0.5 * likeness
            covered = topic.coverage(sentence.stems)
            beside = _BESIDE if topic.keys.isdisjoint(sentence.stems) else 1.0
            self.nearness[sentence.key] = beside * near * (1 - _COVERED + _COVERED * covered)
        #: The sentences that can be quoted and are about the topic, nearest first.
        self.relevant = sorted(
            (sentence for sentence in self.sentences if self._belongs(sentence)),
            key=lambda sentence: (-self.nearness[sentence.key], sentence.key),
        )

    def vector(self, sentence: Sentence) -> dict[str, float]:
        """Give the weights of a sentence's words; their squares add up to 1."""
        known = self._vectors.get(sentence.key)
        if known is None:
            known = self._vectors[sentence.key] = _vector(Counter(sentence.stems), self._rarity)
        return known

    def near(self, share: float) -> list[Sentence]:
        """Give those of the relevant ones that are at least `share` as near as the nearest, and a few."""
        least = share * self.nearness[self.relevant[0].key] if self.relevant else 0.0
        far = (one for one in self.relevant[_FEW:] if self.nearness[one.key] >= least)
        return [*self.relevant[:_FEW], *far]

    def alone(self, stem: str, most: int) -> list[tuple[Sentence, float]]:
        """Choose sentences that have one term of the topic, whatever else they say."""
        having = (one for one in self.sentences if stem in one.stems and one.quality > 0)
        return self.choose({one.key: self.nearness[one.key] * one.quality for one in having}, most)

    def choose(self, scored: Mapping[tuple[str, int], float], most: int) -> list[tuple[Sentence, float]]:
        """Choose sentences by score, each as unlike those before it as may be (MMR)."""
        rest = sorted(
            (sentence for sentence in self.sentences if sentence.key in scored),
            key=lambda sentence: (-scored[sentence.key], sentence.key),
        )[: most * 8]
        vectors = {sentence.key: self.vector(sentence) for sentence in rest}
        likeness = dict.fromkeys(vectors, 0.0)
        chosen: list[tuple[Sentence, float]] = []
        while rest and len(chosen) < most:
            best = max(rest, key=lambda one: scored[one.key] - _DIVERSITY * likeness[one.key])
            chosen.append((best, scored[best.key]))
            for one in rest:
                near = _cosine(vectors[one.key], vectors[best.key])
                likeness[one.key] = max(likeness[one.key], near)
            rest = [one for one in rest if one is not best and likeness[one.key] < _SAME]
        return chosen

    def _belongs(self, sentence: Sentence) -> bool:
        if not self.topic.touches(sentence.stems, sentence.context, sentence.around):
            return False
        covered = self.topic.coverage(sentence.stems, sentence.context, sentence.around)
        return covered >= self.topic.threshold and sentence.quality > 0


def _rarity(sentences: Iterable[Sentence], topic: Topic) -> dict[str, float]:
    number = 0
    seen: Counter[str] = Counter()
    for sentence in sentences:
        number += 1
        seen.update(set(sentence.stems))
    rarity = {stem: math.log(1 + number / (1 + found)) for stem, found in seen.items()}
    return {**rarity, **topic.weights}


def _vector(counts: Mapping[str, int], rarity: Mapping[str, float]) -> dict[str, float]:
    raw = {stem: (1 + math.log(count)) * rarity[stem] for stem, count in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
    return {stem: weight / length for stem, weight in raw.items()}


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    return sum(weight * large[stem] for stem, weight in small.items() if stem in large)
