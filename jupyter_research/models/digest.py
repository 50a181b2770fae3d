"""Put an evidence digest together: which quotes a section shows, and the few sentences around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from .base import Brief, Draft, SectionDraft
from .lenses import LENSES
from .stem import stem
from .topic import Topic
from .words import NUMBER, forms, stems, words

#: The headings of sections that no lens wrote.
CLOSEST_HEADING: Final = "Closest to the topic"
AT_ODDS_HEADING: Final = "Possibly at odds"
#: Below so many quotes a section is called thin.
THIN: Final = 2
#: The share of words in common from which on two quotes say the same.
_ALIKE: Final = 0.8
#: A source with more than this share of the quotes is named.
_ONE_SIDED: Final = 0.6


class Said:
    """Know what a digest has quoted, so that no sentence stands twice, nor one that says the same."""

    def __init__(self) -> None:
        self._said: list[tuple[frozenset[str], frozenset[str]]] = []

    def takes(self, draft: Draft) -> bool:
        """Take a quote in unless its like is there; tell whether it was taken."""
        return self.takes_all([draft])

    def takes_all(self, drafts: Sequence[Draft]) -> bool:
        """Take quotes in, however alike they are, unless the like of one is there."""
        new = [
            (frozenset(stems(draft["text"])), frozenset(NUMBER.findall(draft["text"]))) for draft in drafts
        ]
        if any(_alike(one, other) for one in new for other in self._said):
            return False
        self._said += new
        return True


def lens_section(section: SectionDraft, said: Said, most: int) -> SectionDraft:
    """Keep a section's strongest quotes that nobody showed before, in an order that reads.

    Quotes of one document stand together, in the order in which they stand there; the document with the
    strongest quote comes first. `said` learns what is shown.
    """
    shown: list[Draft] = []
    for draft in section["claims"]:
        if len(shown) < most and said.takes(draft):
            shown.append(draft)
    order = list(dict.fromkeys(_document(draft) for draft in shown))
    shown.sort(key=lambda draft: (order.index(_document(draft)), draft["quotes"][0]["start"]))
    if not shown:
        shown = [_plain("Thin evidence: nothing was found here beyond what other sections show.")]
    elif len(shown) < THIN:
        shown.append(_plain("Thin evidence: this is the only sentence that was found here."))
    return {**section, "claims": shown}


def introduction(brief: Brief, topic: Topic, body: Sequence[SectionDraft]) -> SectionDraft:
    """Say what was searched for, where, and what came of it."""
    quotes = _quoted(body)
    sources = {_document(draft) for draft in quotes}
    searched = f"{_counted(brief.documents, 'document')} {'was' if brief.documents == 1 else 'were'}"
    texts = []
    if quotes:
        some = "one" if len(sources) == 1 else str(len(sources))
        say = "says" if len(sources) == 1 else "say"
        texts.append(
            f"{searched} searched for “{brief.topic}”. "
            f"What {some} of them {say} about it stands below word for word."
        )
    else:
        texts.append(f"{searched} searched, and nothing was found about “{brief.topic}”.")
    unknown = _unknown(brief.topic, topic)
    if unknown:
        texts.append(f"The library nowhere uses the {_noun('word', unknown)} {_listed(unknown)}.")
    known = [word for stem, word in forms(brief.topic).items() if stem in topic.keys - topic.absent]
    if not quotes and len(known) > 1:
        texts.append(f"No sentence was found about {_listed(known)} together: try one of them alone.")
    elif not quotes and known:
        texts.append(f"The library does use {_listed(known)}: a topic of that word alone may find something.")
    return {"heading": "Introduction", "analyst": None, "claims": [_plain(text) for text in texts]}


def conclusion(brief: Brief, topic: Topic, body: Sequence[SectionDraft]) -> SectionDraft:
    """Say where the evidence is thin, comes from one place, may be at odds, or is missing."""
    texts: list[str] = []
    quotes = _quoted(body)
    lenses = [section for section in body if section["analyst"] is not None]
    if not quotes:
        texts.append(
            "No conclusion can be drawn from this library. Other words for the topic, or another source, "
            "may help."
        )
        return {"heading": "Conclusion", "analyst": None, "claims": [_plain(text) for text in texts]}
    thin = [section["heading"] for section in lenses if len(_quoted([section])) < THIN]
    if thin:
        texts.append(f"The evidence is thin for {_listed(thin)}.")
    texts += _one_sided(quotes)
    pairs = sum(len(section["claims"]) // 2 for section in body if section["heading"] == AT_ODDS_HEADING)
    if pairs:
        texts.append(
            f"{_counted(pairs, 'pair')} of sentences from different documents use the same words "
            f"with another "
            "number, a negation or an opposite; whether they contradict each other is for a reader to judge."
        )
    else:
        texts.append("No two documents were seen to oppose each other in the same words.")
    missing = [lens.name for lens in LENSES if lens.id not in {section["analyst"] for section in lenses}]
    if missing:
        texts.append(f"Not looked through: the {_noun('lens', missing, 'lenses')} {_listed(missing)}.")
    return {"heading": "Conclusion", "analyst": None, "claims": [_plain(text) for text in texts]}


def _one_sided(quotes: Sequence[Draft]) -> list[str]:
    counted = Counter(_document(draft) for draft in quotes)
    number = counted.most_common(1)[0][1]
    if len(counted) == 1:
        return ["All of it comes from a single document."]
    if number / len(quotes) > _ONE_SIDED:
        return [f"{number} of {len(quotes)} quotes come from a single document."]
    return []


def _unknown(text: str, topic: Topic) -> list[str]:
    return list(dict.fromkeys(word for word in words(text) if stem(word) in topic.absent & topic.keys))


def _quoted(body: Iterable[SectionDraft]) -> list[Draft]:
    return [draft for section in body for draft in section["claims"] if draft["quotes"]]


def _alike(one: tuple[frozenset[str], frozenset[str]], other: tuple[frozenset[str], frozenset[str]]) -> bool:
    """Tell whether two quotes have their words in common, and the same numbers."""
    return one[1] == other[1] and len(one[0] & other[0]) >= _ALIKE * len(one[0] | other[0])


def _document(draft: Draft) -> str:
    return draft["quotes"][0]["document"]


def _plain(text: str) -> Draft:
    return {"text": text, "quotes": [], "score": 0.0, "note": True}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"


def _noun(noun: str, things: Sequence[str], plural: str | None = None) -> str:
    return noun if len(things) == 1 else plural or noun + "s"


def _listed(things: Sequence[str]) -> str:
    marked = [f"“{thing}”" for thing in things]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} and {marked[-1]}"
