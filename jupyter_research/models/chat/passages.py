"""Give passages ids for a prompt, and make quotes of the ids that come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..base import Draft, Hit, Quote, Splitter
from ..words import stems

#: How many sentences of a passage a claim's quote has at most.
_RUN: Final = 3
#: What another sentence has to bring, in words of the claim.
_WORTH: Final = 1.5
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Hold one passage under the id that the model knows it by."""

    id: str
    title: str
    #: All of it; a claim's quote will be a part.
    whole: Quote

    @property
    def text(self) -> str:
        """Give what stands there."""
        return self.whole["quote"]


@dataclass(slots=True)
class Cited:
    """Hold what became of the claims of one answer."""

    drafts: list[Draft]
    #: How many ids were no passage's.
    unknown: int = 0


def numbered(hits: Sequence[Hit], most: int, characters: int) -> list[Passage]:
    """Give the first passages ids, as many as there is room for."""
    return list(_within(((hit["title"], _quote_of(hit)) for hit in hits[:most]), characters))


def quoted(drafts: Iterable[Draft], characters: int) -> list[Passage]:
    """Give what claims rest on ids, each passage once."""
    found = [whole for draft in drafts for whole in draft.get("passages", draft["quotes"])]
    once = {(whole["document"], whole["start"]): whole for whole in found}
    return list(_within((("", whole) for whole in once.values()), characters))


def _within(found: Iterable[tuple[str, Quote]], characters: int) -> Iterator[Passage]:
    for number, (title, whole) in enumerate(found, 1):
        characters -= len(whole["quote"])
        if characters < 0 and number > 1:
            return
        yield Passage(id=f"p{number}", title=title, whole=whole)


def cite(claims: Iterable[tuple[str, Sequence[str]]], given: Sequence[Passage], split: Splitter) -> Cited:
    """Make drafts of claims: text and ids of each. What is no passage's id is left out and counted."""
    known = {one.id: one for one in given}
    result = Cited([])
    for number, (text, names) in enumerate(claims):
        named = list(dict.fromkeys(name.lower() for name in names))
        found = [known[name] for name in named if name in known]
        result.unknown += len(named) - len(found)
        draft: Draft = {
            "text": _SPACE.sub(" ", text).strip(),
            "quotes": [_narrowed(text, one, split) for one in found],
            "score": 1.0 / (1 + number),
            "passages": [one.whole for one in found],
        }
        result.drafts.append(draft)
    return result


def _quote_of(hit: Hit) -> Quote:
    return {
        "document": hit["document"],
        "start": hit["start"],
        "end": hit["end"],
        "quote": hit["text"],
        "page": hit["page"],
        "cell": hit["cell"],
        "heading": hit["heading"],
    }


def _narrowed(claim: str, passage: Passage, split: Splitter) -> Quote:
    """Give the sentences of a passage that say most of what the claim says."""
    spans = split(passage.text)
    wanted = set(stems(claim))
    best, span = -1.0, (0, len(passage.text))
    for first in range(len(spans)):
        for last in range(first, min(first + _RUN, len(spans))):
            text = passage.text[spans[first][0] : spans[last][1]]
            worth = len(wanted & set(stems(text))) - _WORTH * (last - first)
            if worth > best:
                best, span = worth, (spans[first][0], spans[last][1])
    text = passage.text[span[0] : span[1]]
    whole = passage.whole
    return {**whole, "start": whole["start"] + span[0], "end": whole["start"] + span[1], "quote": text}
