"""Check what a claim cites, and number what is cited.

A quote is accepted only when it stands in the source word for word; case, spacing, typographic quotes and
hyphenation aside. A fuzzy search may find what was meant: then the stored text takes the quote's place and
the claim is marked `repaired`. A verified quote proves that the source says it, not that it is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from .report import Citation, Claim, Source, Verdict

#: How alike a stretch must be to what was quoted to take its place.
_NEAR: Final = 0.72
#: How many words a fragment of a quote with an ellipsis must have.
_FRAGMENT: Final = 3
#: How far around a quote its passage reaches.
_AROUND: Final = 600

_SAME: Final = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "´": "'", "`": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "″": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "…": "...",
}  # fmt: skip
_UNSEEN: Final = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
#: Marks a hyphen at a line's end in text from PDF files.
_LINE_HYPHEN: Final = "\x02"
_HYPHENS: Final = frozenset("-‐‑")
_ELLIPSIS: Final = re.compile(r"\s*(?:\[\s*(?:\.{3}|…)\s*\]|\.{3,}|…)\s*")
_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*", re.UNICODE)
_NUMBER: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
_NAMED: Final = re.compile(
    r"\b(?:\w*[a-z]\w*[A-Z]\w*|[A-Z][A-Z0-9]+\w*|\w+_\w+|[A-Z]\w+(?:-\w+)?|\w*[A-Za-z]-?\d\w*)\b"
)
_NEGATION: Final = re.compile(r"\b(?:not|no|never|none|neither|nor|cannot|without)\b|n't\b")
_NUMBER_BEGAN: Final = re.compile(r"\d[.,]$|(?:^|[^\w])[-+]$")
_FIRST_WORD: Final = re.compile(r"(?:^|[.!?:]\s+)[\"'(\[]*(\w+)")


class Span(NamedTuple):
    """Hold a stretch of a text, in code points."""

    start: int
    end: int


class Plain(NamedTuple):
    """Hold a text in the form in which quotes are compared, and where each of its characters comes from."""

    text: str
    #: For each character the place in the original; one more for the end.
    origin: list[int]


def normalise(text: str) -> Plain:
    """Bring a text into the form in which quotes are compared.

    Case, runs of white space, typographic quotes, dashes and ligatures, invisible characters and
    hyphens between letters make no difference. Digits, signs and words do.
    """
    characters: list[str] = []
    origin: list[int] = []
    at, size = 0, len(text)
    while at < size:
        character = text[at]
        if character.isspace():
            if characters and characters[-1] != " ":
                characters.append(" ")
                origin.append(at)
        elif character == _LINE_HYPHEN or (character in _HYPHENS and _joins(text, at)):
            at = _skip_space(text, at + 1)
            continue
        elif character not in _UNSEEN:
            for part in _SAME.get(character, character).casefold():
                characters.append(part)
                origin.append(at)
        at += 1
    if characters and characters[-1] == " ":
        characters.pop()
        origin.pop()
    origin.append(size)
    return Plain("".join(characters), origin)


def locate(text: str, quote: str, *, near: int | None = None) -> Span | None:
    """Find `quote` in `text`, exactly but for what `normalise` levels; None when it is not there.

    Args:
        text: the stored text of a source.
        quote: what is said to stand there.
        near: where it is said to stand; of several places the nearest is taken.
    """
    return _locate(normalise(text), text, quote, near)


def nearest(text: str, quote: str) -> Span | None:
    """Find the stretch of `text` that `quote` was most likely meant to be; None when nothing is like it."""
    return _nearest(normalise(text), text, quote)


def missing_terms(claim: str, passage: str) -> list[str]:
    """Give the numbers, names and negations of `claim` that `passage` lacks."""
    plain = normalise(passage).text
    numbers = {number.replace(",", "") for number in _NUMBER.findall(plain)}
    missing = [number for number in _NUMBER.findall(claim) if number.replace(",", "") not in numbers]
    known = set(_WORD.findall(plain)) | set(_WORD.findall(plain.replace("_", " ")))
    firsts = {match.start(1) for match in _FIRST_WORD.finditer(claim)}
    for match in _NAMED.finditer(claim):
        word = match[0]
        ordinary = word[1:].islower() and (match.start() in firsts or not word[0].isupper())
        if not ordinary and normalise(word).text not in known and normalise(word).text not in plain:
            missing.append(word)
    negation = _NEGATION.search(normalise(claim).text)
    if negation and not _NEGATION.search(plain):
        missing.append(negation[0])
    return list(dict.fromkeys(missing))


class Checker:
    """Compare claims with the stored texts of what they cite.

    Args:
        text: gives the stored text of a source by its id, None for one that does not exist.
    """

    def __init__(self, text: Callable[[str], str | None]) -> None:
        self._text = text
        self._texts: dict[str, str] = {}
        self._plain: dict[str, Plain] = {}

    def check(self, claim: Claim) -> Claim:
        """Give the claim with citations that hold, and the verdict on it.

        A citation of an unknown source, or of words that are nowhere in it, is dropped. Of each one that is
        given, `text[start:end] == quote` is true for the stored text.
        """
        kept: list[Citation] = []
        repaired = False
        text = claim.text
        for citation in claim.citations:
            exact = self._exact(citation)
            kept += exact
            if not exact and (found := self._repair(citation)) is not None:
                if normalise(text).text == normalise(citation.quote).text:
                    text = " ".join(found.quote.split())
                kept.append(found)
                repaired = True
        kept = _unique(kept)
        return replace(claim, text=text, citations=tuple(kept), verdict=self._verdict(text, kept, repaired))

    def _exact(self, citation: Citation) -> list[Citation]:
        """Find the quote, or its fragments in order where it has an ellipsis; all of them or nothing."""
        text = self._stored(citation.source)
        if text is None or not citation.quote.strip():
            return []
        if _stands(citation, text):
            return [citation]
        plain = self._normalised(citation.source)
        whole = _locate(plain, text, citation.quote, citation.start)
        if whole is not None:
            return [_moved(citation, whole, text)]
        parts = [part for part in _ELLIPSIS.split(citation.quote) if part]
        if len(parts) < 2 or any(len(_WORD.findall(part)) < _FRAGMENT for part in parts):
            return []
        found: list[Citation] = []
        after = 0
        for part in parts:
            span = _locate(plain, text, part, citation.start if not found else after, after)
            if span is None:
                return []
            found.append(_moved(citation, span, text))
            after = span.end
        return found

    def _repair(self, citation: Citation) -> Citation | None:
        text = self._stored(citation.source)
        if text is None:
            return None
        span = _nearest(self._normalised(citation.source), text, citation.quote)
        return None if span is None else _moved(citation, span, text)

    def _verdict(self, text: str, citations: Sequence[Citation], repaired: bool) -> Verdict:
        if not citations:
            return Verdict.UNCITED
        if missing_terms(text, self._passage(citations)):
            return Verdict.TERMS_MISSING
        if repaired:
            return Verdict.REPAIRED
        said = _said(text)
        if any(_said(citation.quote) == said for citation in citations):
            return Verdict.VERBATIM
        return Verdict.TERMS_MATCH

    def _passage(self, citations: Iterable[Citation]) -> str:
        """Give the quotes with the paragraph around each."""
        parts = []
        for citation in citations:
            text = self._stored(citation.source) or citation.quote
            start = max(text.rfind("\n\n", 0, citation.start) + 1, citation.start - _AROUND, 0)
            end = text.find("\n\n", citation.end)
            end = min(len(text) if end < 0 else end, citation.end + _AROUND)
            parts.append(text[start:end])
        return "\n".join(parts)

    def _stored(self, source: str) -> str | None:
        if source not in self._texts:
            text = self._text(source)
            if text is None:
                return None
            self._texts[source] = text
        return self._texts[source]

    def _normalised(self, source: str) -> Plain:
        """Normalise a source's text, once and only when a quote has to be looked for."""
        if source not in self._plain:
            self._plain[source] = normalise(self._texts[source])
        return self._plain[source]


class Registry:
    """Number the sources of one session in order of first use.

    What is not registered cannot be numbered, so an id that no source has never reaches a report.
    """

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    def use(self, source: Source) -> Source:
        """Register a source, or give the one that already has its id."""
        known = self._sources.get(source.id)
        if known is None:
            known = replace(source, number=len(self._sources) + 1)
            self._sources[source.id] = known
        return known

    def numbered(self) -> tuple[Source, ...]:
        """Give the sources by number."""
        return tuple(self._sources.values())


def _locate(plain: Plain, text: str, quote: str, near: int | None, after: int = 0) -> Span | None:
    wanted = normalise(quote).text
    if not wanted:
        return None
    found: list[Span] = []
    at = plain.text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        span = _original(plain, text, at, end)
        if _whole_words(plain.text, at, end) and span.start >= after:
            found.append(span)
            if near is None:
                break
        at = plain.text.find(wanted, at + 1)
    if not found:
        return None
    return min(found, key=lambda span: abs(span.start - (near or 0)))


def _nearest(plain: Plain, text: str, quote: str) -> Span | None:
    wanted = _WORD.findall(normalise(quote).text)
    there = [(match[0], match.start(), match.end()) for match in _WORD.finditer(plain.text)]
    if len(wanted) < _FRAGMENT or not there:
        return None
    begin = _alignment(wanted, [word for word, _, _ in there])
    if begin is None:
        return None
    slack = max(3, len(wanted) // 4)
    first, last = max(0, begin - slack), min(len(there), begin + len(wanted) + slack)
    window = [word for word, _, _ in there[first:last]]
    matcher = SequenceMatcher(None, wanted, window, False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    if not blocks:
        return None
    low, high = first + blocks[0].b - blocks[0].a, first + blocks[-1].b + blocks[-1].size
    high += len(wanted) - (blocks[-1].a + blocks[-1].size)
    low, high = max(0, low), min(len(there), high)
    matched = sum(block.size for block in blocks)
    if 2 * matched / (len(wanted) + high - low) < _NEAR:
        return None
    return _original(plain, text, there[low][1], _with_mark(plain.text, there[high - 1][2]))


def _alignment(wanted: Sequence[str], there: Sequence[str]) -> int | None:
    """Find where in `there` most words of `wanted` stand at about the same distance from its beginning."""
    places: dict[str, list[int]] = {}
    for index, word in enumerate(there):
        places.setdefault(word, []).append(index)
    votes: dict[int, float] = {}
    for index, word in enumerate(wanted):
        at = places.get(word, ())
        for place in at:
            # A rare word says more about the place than a common one.
            votes[place - index] = votes.get(place - index, 0.0) + 1.0 / len(at)
    if not votes:
        return None
    return max(votes, key=lambda begin: (sum(votes.get(begin + near, 0.0) for near in (-1, 0, 1)), -begin))


def _original(plain: Plain, text: str, start: int, end: int) -> Span:
    first, last = plain.origin[start], plain.origin[end - 1] + 1
    return Span(first, min(last, len(text)))


def _whole_words(text: str, start: int, end: int) -> bool:
    """Tell whether no word or number is cut: “rose by 1” does not stand in “rose by 12”."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[start].isalnum() and (before.isalnum() or before == "_"):
        return False
    if text[end - 1].isalnum() and (after.isalnum() or after == "_"):
        return False
    if text[start].isdigit() and _NUMBER_BEGAN.search(text[max(0, start - 2) : start]):
        return False
    return not (text[end - 1].isdigit() and re.match(r"[.,]\d", text[end : end + 2]))


def _with_mark(text: str, end: int) -> int:
    mark = re.compile(r"[.!?)\]\"']*").match(text, end)
    return mark.end() if mark else end


def _joins(text: str, at: int) -> bool:
    """Tell whether a hyphen stands between two letters, on one line or at a line's end."""
    before = text[at - 1 : at]
    after = _skip_space(text, at + 1)
    if not before.isalpha() or not text[after : after + 1].isalpha():
        return False
    return after == at + 1 or "\n" in text[at + 1 : after]


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _stands(citation: Citation, text: str) -> bool:
    """Tell whether the quote stands exactly where the citation says, with no word cut."""
    start, end = citation.start, citation.end
    return (
        0 <= start < end <= len(text)
        and text[start:end] == citation.quote
        and citation.quote == citation.quote.strip()
        and _whole_words(text, start, end)
    )


def _moved(citation: Citation, span: Span, text: str) -> Citation:
    return replace(citation, start=span.start, end=span.end, quote=text[span.start : span.end])


def _unique(citations: Iterable[Citation]) -> list[Citation]:
    known = {(one.source, one.start, one.end): one for one in citations}
    return list(known.values())


def _said(text: str) -> str:
    return normalise(text).text.strip("\"' ")
