"""Find quotes in a stored text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cached_property
from typing import Final, NamedTuple

from .typography import Plain, is_mark, normalise

#: How alike a stretch must be to what was quoted to take its place.
_NEAR: Final = 0.72
#: Of how many words a quote or a part of one must be to be looked for.
FEWEST_WORDS: Final = 3

WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
#: A number with its sign, its thousands, its fraction and its power.
_NUMBER: Final = re.compile(
    r"(?:(?<!\w)[-+](?=\.?\d))?(?:(?<![\w.])\.(?=\d))?\d+"
    r"(?:[.,'·٫٬/:]\d+|e[-+]?\d+|\^[-+]?\d+)*"
)
#: Spaces that hold a number together: where another would stand, nobody could tell.
_THOUSANDS: Final = re.compile(r"\d[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))")
#: How far around a place a number is looked for, in characters.
_REACH: Final = 40
_MARK: Final = re.compile(r"[.!?)\]\"']*")


class Span(NamedTuple):
    """Hold a stretch of a text, in code points."""

    start: int
    end: int


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def locate(text: str, quote: str, *, near: int | None = None) -> Span | None:
    """Find `quote` in `text`, exactly but for what `normalise` levels; None when it is not there.

    Args:
        text: the stored text of a source.
        quote: what is said to stand there.
        near: where it is said to stand; of several places the nearest is taken.
    """
    return StoredText(text).locate(quote, near)


def nearest(text: str, quote: str) -> Span | None:
    """Find the stretch of `text` that `quote` was most likely meant to be; None when nothing is like it."""
    return StoredText(text).nearest(quote)


class StoredText:
    """Hold a text with what a search in it needs, made when it is first needed."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def plain(self) -> Plain:
        """Give the text in the form in which quotes are compared."""
        return normalise(self.text)

    @cached_property
    def words(self) -> list[_Word]:
        """Give the words of the plain form."""
        return [_Word(match[0], match.start(), match.end()) for match in WORD.finditer(self.plain.text)]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Give for each word where among the words it stands."""
        places: dict[str, list[int]] = {}
        for index, word in enumerate(self.words):
            places.setdefault(word.text, []).append(index)
        return places

    def stands(self, quote: str, start: int, end: int) -> bool:
        """Tell whether the quote stands exactly there, with no word cut."""
        return (
            0 <= start < end <= len(self.text)
            and self.text[start:end] == quote == quote.strip()
            and self._whole_there(start, end)
        )

    def locate(self, quote: str, near: int | None = None, after: int = 0) -> Span | None:
        """Find the quote from `after` on; of several places the nearest to `near`, else the first."""
        wanted = normalise(quote).text
        found: list[Span] = []
        at = self.plain.text.find(wanted) if wanted else -1
        while at >= 0:
            span = self._span(at, at + len(wanted))
            if span.start >= after and _whole(self.text, self.plain, at, at + len(wanted)):
                found.append(span)
                if near is None:
                    break
            at = self.plain.text.find(wanted, at + 1)
        return min(found, key=lambda span: abs(span.start - (near or 0)), default=None)

    def nearest(self, quote: str) -> Span | None:
        """Find the stretch that is most like the quote, and like it enough."""
        wanted = WORD.findall(normalise(quote).text)
        begin = self._alignment(wanted) if len(wanted) >= FEWEST_WORDS else None
        if begin is None:
            return None
        slack = max(3, len(wanted) // 4)
        first = max(0, begin - slack)
        window = [word.text for word in self.words[first : begin + len(wanted) + slack]]
        matcher = SequenceMatcher(None, wanted, window, False)
        blocks = [block for block in matcher.get_matching_blocks() if block.size]
        if not blocks:
            return None
        # What the quote has before its first and after its last match belongs to the stretch too.
        low = max(0, first + blocks[0].b - blocks[0].a)
        rest = len(wanted) - blocks[-1].a
        high = min(len(self.words), first + blocks[-1].b + rest)
        matched = sum(block.size for block in blocks)
        if 2 * matched < _NEAR * (len(wanted) + high - low):
            return None
        return self._widened(self.words[low].start, self.words[high - 1].end)

    def _widened(self, start: int, end: int) -> Span:
        """Give the stretch with what belongs to its first and last word, and the mark that follows."""
        while _cuts(self.text, self.plain, start):
            start -= 1
        while _cuts(self.text, self.plain, end):
            end += 1
        mark = _MARK.match(self.plain.text, end)
        return self._span(start, mark.end() if mark else end)

    def _alignment(self, wanted: Sequence[str]) -> int | None:
        """Find the place from which on most of the wanted words stand in their order, or close to it."""
        votes: dict[int, float] = {}
        for index, word in enumerate(wanted):
            at = self.places.get(word, ())
            for place in at:
                # A rare word says more about the place than a common one.
                votes[place - index] = votes.get(place - index, 0.0) + 1.0 / len(at)
        best = sorted(votes, key=lambda begin: (-votes[begin], begin))[:20]
        return max(
            best,
            key=lambda begin: (sum(votes.get(begin + near, 0.0) for near in (-1, 0, 1)), -begin),
            default=None,
        )

    def _whole_there(self, start: int, end: int) -> bool:
        """Tell whether a stretch of the text itself cuts nothing, without a plain form of all of it."""
        if is_mark(self.text[start]) or (end < len(self.text) and is_mark(self.text[end])):
            return False
        first = max(0, start - _REACH)
        around = self.text[first : end + _REACH]
        plain = normalise(around)
        low, high = bisect_left(plain.origin, start - first), bisect_left(plain.origin, end - first)
        return low < high and _whole(around, plain, low, high)

    def _span(self, start: int, end: int) -> Span:
        """Give the stretch of the text itself for one of the plain form; a letter keeps its marks."""
        first, last = self.plain.origin[start], min(self.plain.origin[end - 1] + 1, len(self.text))
        while last < len(self.text) and is_mark(self.text[last]):
            last += 1
        return Span(first, last)


def _whole(text: str, plain: Plain, start: int, end: int) -> bool:
    """Tell whether no word or number is cut: “rose by 1” does not stand in “rose by 12”."""
    return not (_cuts(text, plain, start) or _cuts(text, plain, end))


def _cuts(text: str, plain: Plain, at: int) -> bool:
    """Tell whether a word, a letter's mark or a number goes on over a place of the plain form."""
    if not 0 < at < len(plain.text):
        return False
    before, after = plain.text[at - 1], plain.text[at]
    if is_mark(after) or (_is_of_word(before) and _is_of_word(after)):
        return True
    around = _NUMBER.finditer(plain.text, max(0, at - _REACH), at + _REACH)
    if any(number.start() < at < number.end() for number in around):
        return True
    return any(_THOUSANDS.match(text, plain.origin[place]) for place in (at - 1, max(0, at - 2)))


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_" or is_mark(character)
