"""Research without a language model: sentences of the library, word for word, sorted by what they tell.

No network, no key. Nothing is written that is not in the library, but for a few sentences that say what was
searched and how much was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from .base import Analyst, Brief, Draft, Hit, SectionDraft, Splitter, Team, Turn
from .body import compose
from .digest import conclusion, introduction
from .feedback import apply_feedback
from .lenses import LENSES, Lens, lens_of
from .once import Once
from .pool import Pool, Sentence, cut
from .topic import read_topic, with_related
from .words import GENERIC_WORDS, STOP_WORDS, forms, stems, words

#: How many sentences an answer has at most.
ANSWER: Final = 7
#: How near to the topic what a lens shows must be: it has the direct hits before it.
_NEAR_A_LENS: Final = 0.5
#: How many passages stay cut into sentences, and how many searches sorted.
_KEPT: Final = 4096
_POOLS: Final = 4
#: How many sentences show what a lens has to offer.
_TELLING: Final = 3


class Extractive:
    """Quote the library: the model that every installation has.

    Made for one session; its methods may be called from several threads.
    """

    name = "extractive"
    calls = False

    def __init__(self, split: Splitter) -> None:
        self._split = split
        self._pools: Once[tuple[object, ...], Pool] = Once(_POOLS)
        self._sentences: Once[tuple[str, int, int], list[Sentence]] = Once(_KEPT)
        self._forms: Once[tuple[str, int, int], dict[str, str]] = Once(_KEPT)

    def title(self, topic: str) -> str:
        """Call it what it is: no report was written."""
        return f"Evidence digest: {' '.join(topic.split())}"

    def limits(self) -> tuple[str, ...]:
        """Say what sentences chosen by their words cannot tell."""
        return (
            "No language model was used: sentences were chosen by their words, so what is said in "
            "other words "
            "may have been missed, and nothing was concluded from them.",
        )

    def estimate(self, analysts: int, turns: int) -> None:
        """Give nothing: nothing is paid for and nothing is sent."""

    def propose(self, brief: Brief, hits: Sequence[Hit]) -> Team:
        """Propose the lenses for which the library has something."""
        pool = self._pool(brief, hits)
        relevant = pool.relevant
        available = _available(pool, relevant)
        if brief.online:
            # What they will find cannot be known: nothing is sent to them before a person has agreed.
            available += [lens for lens in LENSES if lens not in available]
        analysts, notes = apply_feedback(available, brief.count, brief.feedback, brief.corpus)
        if not analysts:
            analysts, _ = apply_feedback(LENSES[:1], 1, (), brief.corpus)
        documents = len({sentence.document for sentence in relevant})
        return {
            "analysts": analysts,
            "question": _question(brief, available, len(relevant), documents, notes),
        }

    def ask(self, brief: Brief, analyst: Analyst, turns: Sequence[Turn]) -> str:
        """Ask the lens's question first, then for more of the words that the answers brought up."""
        lens = lens_of(analyst)
        if not turns:
            return lens.question.format(topic=brief.topic)
        return f"What else does “{lens.name}” find when its own words are searched for?"

    def phrase_query(self, brief: Brief, analyst: Analyst, question: str, turns: Sequence[Turn]) -> str:
        """Search for the topic first, then for the topic in the lens's words, then in the library's own."""
        lens = lens_of(analyst)
        if not turns:
            return f"{brief.topic} {lens.query}" if lens.terms else brief.topic
        if len(turns) == 1:
            return f"{brief.topic} {brief.topic} {lens.query}"
        return f"{brief.topic} {' '.join(_brought_up(brief.topic, turns))}"

    def answer(
        self, brief: Brief, analyst: Analyst, question: str, hits: Sequence[Hit], turns: Sequence[Turn]
    ) -> list[Draft]:
        """Choose the sentences that fit topic and lens best."""
        lens = lens_of(analyst)
        pool = self._pool(brief, hits)
        before = {_end(draft) for turn in turns for draft in turn["drafts"]}
        scored = {}
        for sentence in pool.near(_NEAR_A_LENS):
            strength = _strength(lens, sentence, pool)
            if strength and (sentence.document, sentence.end) not in before:
                nearness = pool.nearness[sentence.key]
                scored[sentence.key] = nearness * sentence.quality * (0.4 + 0.6 * strength)
        return [sentence.draft(score) for sentence, score in pool.choose(scored, ANSWER)]

    def write_section(self, brief: Brief, analyst: Analyst, turns: Sequence[Turn]) -> SectionDraft:
        """Gather the answers, strongest first; what the section shows of them is decided in the body."""
        drafts = [draft for turn in turns for draft in turn["drafts"]]
        drafts.sort(key=lambda draft: -draft["score"])
        return {"heading": analyst["name"], "analyst": analyst["id"], "claims": drafts}

    def write_body(
        self, brief: Brief, sections: Sequence[SectionDraft], hits: Sequence[Hit]
    ) -> list[SectionDraft]:
        """Put the sentences closest to the topic first, then each lens, then what may contradict."""
        return compose(self._pool(brief, hits), sections)

    def write_introduction(self, brief: Brief, body: Sequence[SectionDraft]) -> SectionDraft:
        """Say what was searched and how much was found."""
        return introduction(brief, read_topic(brief.topic, brief.corpus), body)

    def write_conclusion(self, brief: Brief, body: Sequence[SectionDraft]) -> SectionDraft:
        """Say where the evidence is thin, one-sided or missing."""
        return conclusion(brief, read_topic(brief.topic, brief.corpus), body)

    def _pool(self, brief: Brief, hits: Sequence[Hit]) -> Pool:
        # From the call's own passages alone, so that a resumed session comes to the same.
        key = (brief.topic, tuple((hit["document"], hit["start"], hit["score"]) for hit in hits))
        return self._pools.get(key, lambda: self._gathered(brief, hits))

    def _gathered(self, brief: Brief, hits: Sequence[Hit]) -> Pool:
        found = [self._forms.get(_place(hit), partial(forms, hit["text"])) for hit in hits]
        topic = with_related(read_topic(brief.topic, brief.corpus), found, brief.corpus)
        return Pool(topic, hits, self._cut)

    def _cut(self, hit: Hit) -> list[Sentence]:
        return self._sentences.get(_place(hit), lambda: cut(hit, self._split))


def _place(hit: Hit) -> tuple[str, int, int]:
    return hit["document"], hit["start"], hit["end"]


def _question(
    brief: Brief, available: Sequence[Lens], sentences: int, documents: int, notes: list[str]
) -> str:
    if not brief.documents:
        found = "Look at the topic through these lenses?"
    elif not sentences:
        found = f"Nothing in these {brief.documents} documents seems to be about the topic. Search anyway?"
    else:
        found = (
            f"{sentences} {'sentence' if sentences == 1 else 'sentences'} in {documents} of "
            f"{brief.documents} "
            "documents seem to be about the topic. Look at them through these lenses?"
        )
    if brief.count > len(available) and sentences and not brief.feedback:
        notes = [*notes, f"Of the {len(LENSES)} lenses, {len(available)} find something here."]
    return " ".join([*notes, found])


def _brought_up(topic: str, turns: Sequence[Turn]) -> list[str]:
    """Give the words that the last answers used most and the topic does not."""
    known = set(words(topic)) | STOP_WORDS | GENERIC_WORDS
    seen = Counter(word for draft in turns[-1]["drafts"] for word in set(words(draft["text"])) - known)
    return [word for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:6]]


def _available(pool: Pool, relevant: Sequence[Sentence]) -> list[Lens]:
    """Give the lenses that find something: what it is before all else, then by their evidence."""
    masses: list[tuple[float, Lens]] = []
    for lens in LENSES:
        found = (_strength(lens, one, pool) * pool.nearness[one.key] * one.quality for one in relevant)
        masses.append((sum(sorted(found, reverse=True)[:_TELLING]), lens))
    masses.sort(key=lambda item: (item[1] is not LENSES[0], -item[0]))
    return [lens for mass, lens in masses if mass]


def _strength(lens: Lens, sentence: Sentence, pool: Pool) -> float:
    """Say how much a sentence is what a lens looks for; what it defines must be of the topic."""
    strength = lens.strength(sentence.text, sentence.stems)
    if strength and lens.about is not None and not lens.terms:
        match = lens.about.match(sentence.text)
        wanted = pool.topic.core or pool.topic.keys
        return strength if match and not wanted.isdisjoint(stems(match[0])) else 0.0
    return strength


def _end(draft: Draft) -> tuple[str, int]:
    quote = draft["quotes"][0]
    return quote["document"], quote["end"]
