"""Compose the body of an evidence digest from what a search and the lenses found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .base import Draft, SectionDraft
from .digest import CLOSEST_HEADING, Said, alone_section, at_odds, lens_section
from .disagreement import Pair, opposed
from .pool import Pool
from .words import forms

#: How many sentences the digest's first section shows at most: a third of what there is, so that the lenses
#: have something to show as well.
CLOSEST: Final = 10
_FEWEST: Final = 3
#: How many sentences a lens's section has at most.
SECTION: Final = 6
#: How near to the topic the last of the sentences shown must be, as a share of the first one's nearness.
_NEAR_ENOUGH: Final = 0.35
#: Among how many sentences contradictions are looked for.
_COMPARED: Final = 120
#: Where no more sentences than these are about the topic as a whole, its words are looked for alone, too.
_FEW: Final = 2
#: At most one word in so many may be absent from the library for the others to be looked for alone.
_LACKING: Final = 4
#: How many sentences about one word alone are shown, and of how many words.
_ALONE: Final = 3
_WORDS: Final = 4


def compose(pool: Pool, sections: Sequence[SectionDraft]) -> list[SectionDraft]:
    """Put the sentences closest to the topic first, then each lens, then what may contradict."""
    near = pool.near(_NEAR_ENOUGH)
    # Near the topic counts for more here than standing on its own: these are the direct hits.
    scored = {one.key: pool.nearness[one.key] * (0.8 + 0.2 * one.quality) for one in near}
    most = min(CLOSEST, max(_FEWEST, len(near) // 3))
    said = Said()
    # First of all, because nothing stands twice: what opposes is worth more side by side than apart.
    pairs = [pair for pair in opposed(near[:_COMPARED]) if said.takes_all(_drafts(pair))]
    closest = said.new(sentence.draft(score) for sentence, score in pool.choose(scored, most))
    body: list[SectionDraft] = []
    if closest:
        body.append({"heading": CLOSEST_HEADING, "analyst": None, "claims": closest})
    if closest or any(section["claims"] for section in sections):
        body += [lens_section(section, said, SECTION) for section in sections]
    if pairs:
        body.append(at_odds([(pair.why, _drafts(pair)) for pair in pairs]))
    return body + (_each_alone(pool, said) if len(near) <= _FEW else [])


def _each_alone(pool: Pool, said: Said) -> list[SectionDraft]:
    """Give the best sentences about each of the topic's words, rarest first, where they never meet.

    Where the library lacks more than a few of the words, the rest says nothing about the topic.
    """
    topic = pool.topic
    if len(topic.known) < 2 or _LACKING * len(topic.keys & topic.absent) > len(topic.keys):
        return []
    named = forms(topic.text)
    sections = []
    for stem in topic.known[:_WORDS]:
        found = said.new(sentence.draft(score) for sentence, score in pool.alone(stem, _ALONE))
        if found:
            sections.append(alone_section(named[stem], found))
    return sections if len(sections) > 1 else []


def _drafts(pair: Pair) -> list[Draft]:
    return [pair.one.draft(0.0), pair.other.draft(0.0)]
