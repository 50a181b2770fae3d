"""Put an evidence digest together: which quotes a section shows, and the few sentences around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from .base import Brief, Draft, Quote, SectionDraft
from .lenses import LENSES
from .topic import Topic
from .words import NUMBER, WORD, stem_of, stems, words

#: The headings of sections that no lens wrote.
CLOSEST_HEADING: Final = "Closest to the topic"
AT_ODDS_HEADING: Final = "Possibly at odds"
ALONE_HEADING: Final = "On “{word}” alone"
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
        self._spans: list[tuple[str, int, int]] = []

    def new(self, drafts: Iterable[Draft], most: int | None = None) -> list[Draft]:
        """Take in the first `most` drafts that say something new, each without a lead that stands already."""
        taken: list[Draft] = []
        for draft in drafts:
            if most is not None and len(taken) >= most:
                break
            fresh = self._fresh(draft)
            if self.takes_all([fresh]):
                taken.append(fresh)
        return taken

    def takes_all(self, drafts: Sequence[Draft]) -> bool:
        """Take quotes in, however alike they are, unless one or its like is there; tell whether."""
        new = [_gist(draft) for draft in drafts]
        if any(self._shows(draft) for draft in drafts):
            return False
        if any(_alike(one, other) for one in new for other in self._said):
            return False
        self._said += new
        self._spans += [_span(draft) for draft in drafts]
        return True

    def _fresh(self, draft: Draft) -> Draft:
        lead = draft.get("lead", 0)
        return _without_lead(draft) if lead and self._shows(draft) else draft

    def _shows(self, draft: Draft) -> bool:
        document, start, end = _span(draft)
        return any(document == known and start < last and first < end for known, first, last in self._spans)


def lens_section(section: SectionDraft, said: Said, most: int) -> SectionDraft:
    """Keep a section's strongest quotes that nobody showed before, in an order that reads.

    Quotes of one document stand together, in the order in which they stand there; the document with the
    strongest quote comes first. `said` learns what is shown.
    """
    shown = said.new(section["claims"], most)
    order = list(dict.fromkeys(_document(draft) for draft in shown))
    shown.sort(key=lambda draft: (order.index(_document(draft)), draft["quotes"][0]["start"]))
    if len(shown) < THIN:
        shown.append(_note(_thin(shown, section)))
    return {**section, "claims": shown}


def _thin(shown: Sequence[Draft], section: SectionDraft) -> str:
    if shown:
        return "Thin evidence: this is all that was found here and does not stand elsewhere."
    if section["claims"]:
        return "Thin evidence: what was found here stands elsewhere in this digest already."
    return "Thin evidence: nothing was found here."


def at_odds(pairs: Sequence[tuple[str, Sequence[Draft]]]) -> SectionDraft:
    """Put sentences that may contradict each other side by side, below what parts them."""
    claims = [claim for why, pair in pairs for claim in (_note(f"{why}."), *pair)]
    return {"heading": AT_ODDS_HEADING, "analyst": None, "claims": claims}


def alone_section(word: str, found: Sequence[Draft]) -> SectionDraft:
    """Show what is said of one word of a topic whose words never meet."""
    return {"heading": ALONE_HEADING.format(word=word), "analyst": None, "claims": list(found)}


def introduction(brief: Brief, topic: Topic, body: Sequence[SectionDraft]) -> SectionDraft:
    """Say what was searched for, where, and what came of it."""
    texts = [_searched(brief, topic)]
    quotes, together = _quoted(body), _quoted(_about_all(body))
    if quotes:
        texts.append(_found(quotes, together, topic))
    else:
        texts.append(f"In them nothing was found about “{brief.topic}”.")
    unknown = _unknown(brief.topic, topic)
    if unknown:
        texts.append(f"The library nowhere uses the {_noun('word', unknown)} {_listed(unknown)}.")
    known = _words(topic, topic.known)
    if not quotes and len(known) > 1:
        texts.append(f"No sentence was found about {_listed(known)} together: try one of them alone.")
    elif not quotes and known:
        texts.append(f"The library does use {_listed(known)}: a topic of that word alone may find something.")
    return _noted("Introduction", texts)


def conclusion(brief: Brief, topic: Topic, body: Sequence[SectionDraft]) -> SectionDraft:
    """Say where the evidence is thin, comes from one place, may be at odds, or is missing."""
    quotes = _quoted(body)
    if not quotes:
        return _noted(
            "Conclusion",
            [
                "No conclusion can be drawn from this library. Other words for the topic, or another source, "
                "may help."
            ],
        )
    lenses = [section for section in body if section["analyst"] is not None]
    thin = [section["heading"] for section in lenses if len(_quoted([section])) < THIN]
    texts = [f"The evidence is thin for {_listed(thin)}."] if thin else []
    texts += _unsaid(topic, quotes)
    texts += _one_sided(quotes)
    texts.append(_opposed(body, quotes))
    present = {section["analyst"] for section in lenses}
    missing = [lens.name for lens in LENSES if lens.id not in present]
    if present and missing:
        texts.append(f"Not looked through: the {_noun('lens', missing, 'lenses')} {_listed(missing)}.")
    texts.append("All of this is what these sources say, and no more.")
    return _noted("Conclusion", texts)


def _searched(brief: Brief, topic: Topic) -> str:
    wanted = _words(topic, topic.known)
    counted = f"{_counted(brief.documents, 'document')} {'was' if brief.documents == 1 else 'were'}"
    looked_for = f" for sentences about {_listed(wanted)}" if wanted else ""
    return f"{counted} searched in {_counted(brief.corpus.size(), 'passage')}{looked_for}."


def _found(quotes: Sequence[Draft], together: Sequence[Draft], topic: Topic) -> str:
    if not together:
        known = _words(topic, topic.known)
        return (
            f"No sentence was found about {_listed(known)} together: below stands what is said of each of "
            "them alone, and whether that bears on the topic is for a reader to judge."
        )
    documents = len({_document(draft) for draft in together})
    stand = "stands" if len(together) == 1 else "stand"
    quotes_from = f"{_counted(len(together), 'quote')} from {_counted(documents, 'document')}"
    text = f"{quotes_from} {stand} below, word for word."
    if len(quotes) > len(together):
        text += " Since that is little, what is said of single words of the topic follows."
    return text


def _about_all(body: Iterable[SectionDraft]) -> list[SectionDraft]:
    begin, _, end = ALONE_HEADING.partition("{word}")
    return [
        section
        for section in body
        if section["analyst"] is not None
        or not (section["heading"].startswith(begin) and section["heading"].endswith(end))
    ]


def _unsaid(topic: Topic, quotes: Sequence[Draft]) -> list[str]:
    """Name the words of the topic that the library has and no quote says."""
    said = {stem for draft in quotes for stem in stems(draft["text"])}
    unsaid = [stem for stem in topic.known if stem not in said]
    return [f"No quote says {_listed(_words(topic, unsaid), 'or')}."] if unsaid else []


def _one_sided(quotes: Sequence[Draft]) -> list[str]:
    counted = Counter(_document(draft) for draft in quotes)
    number = counted.most_common(1)[0][1]
    if len(counted) == 1:
        return ["All of it comes from a single document."]
    if number / len(quotes) > _ONE_SIDED:
        return [f"{number} of {len(quotes)} quotes come from a single document."]
    return []


def _opposed(body: Sequence[SectionDraft], quotes: Sequence[Draft]) -> str:
    pairs = sum(len(_quoted([section])) // 2 for section in body if section["heading"] == AT_ODDS_HEADING)
    if pairs:
        stand = "pair of sentences stands" if pairs == 1 else "pairs of sentences stand"
        return (
            f"{pairs} {stand} side by side that use the same words of the same thing with another number, a "
            "negation or an opposite; whether they contradict each other is for a reader to judge."
        )
    if len({_document(draft) for draft in quotes}) == 1:
        return ""
    return "No two documents were seen to oppose each other in the same words."


def _unknown(text: str, topic: Topic) -> list[str]:
    return list(dict.fromkeys(word for word in words(text) if stem_of(word) in topic.absent & topic.keys))


def _words(topic: Topic, chosen: Iterable[str]) -> list[str]:
    """Give the topic's own words for stems, in the topic's order; no letter stands alone."""
    wanted, found = set(chosen), dict[str, str]()
    last, end = "", -1
    for match in WORD.finditer(topic.text):
        stem = stem_of(match[0].lower().replace("’", "'"))
        if stem not in wanted or stem in found:
            continue
        if match.start() == end + 1 and len(match[0]) == 1 and stem in topic.phrases.get(last, ()):
            found[stem] = f"{found.pop(last)} {match[0]}"
        else:
            found[stem] = match[0]
        last, end = stem, match.end()
    return list(found.values())


def _quoted(body: Iterable[SectionDraft]) -> list[Draft]:
    return [draft for section in body for draft in section["claims"] if draft["quotes"]]


def _gist(draft: Draft) -> tuple[frozenset[str], frozenset[str]]:
    """Give the words and the numbers of what a draft says, apart from what leads to it."""
    text = draft["quotes"][0]["quote"][draft.get("lead", 0) :]
    return frozenset(stems(text)), frozenset(NUMBER.findall(text))


def _alike(one: tuple[frozenset[str], frozenset[str]], other: tuple[frozenset[str], frozenset[str]]) -> bool:
    """Tell whether two quotes have their words in common, and the same numbers."""
    return one[1] == other[1] and len(one[0] & other[0]) >= _ALIKE * len(one[0] | other[0])


def _without_lead(draft: Draft) -> Draft:
    """Give a draft whose quote is the sentence itself."""
    first, lead = draft["quotes"][0], draft.get("lead", 0)
    quote = first["quote"][lead:]
    alone: Quote = {**first, "start": first["start"] + lead, "quote": quote}
    return {**draft, "text": " ".join(quote.split()), "lead": 0, "quotes": [alone, *draft["quotes"][1:]]}


def _span(draft: Draft) -> tuple[str, int, int]:
    quote = draft["quotes"][0]
    return quote["document"], quote["start"], quote["end"]


def _document(draft: Draft) -> str:
    return draft["quotes"][0]["document"]


def _noted(heading: str, texts: Iterable[str]) -> SectionDraft:
    return {"heading": heading, "analyst": None, "claims": [_note(text) for text in texts if text]}


def _note(text: str) -> Draft:
    return {"text": text, "quotes": [], "score": 0.0, "note": True}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _noun(noun: str, things: Sequence[str], plural: str | None = None) -> str:
    return noun if len(things) == 1 else plural or noun + "s"


def _listed(things: Sequence[str], last: str = "and") -> str:
    marked = [f"“{thing}”" for thing in things]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} {last} {marked[-1]}"
