"""Compare claims with what they cite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from ..report import Citation, Claim, Verdict
from .stored import FEWEST_WORDS, WORD, Span, StoredText
from .terms import missing_terms, negates
from .typography import normalise

#: How far around a quote its passage reaches.
_AROUND: Final = 600
_ELLIPSIS: Final = re.compile(r"\[\s*(?:\.{3}|…)\s*\]|\.{3,}|…")
_SENTENCE_END: Final = re.compile(r"[.!?][\"'”’)\]]*\s")
_CUT_START: Final = re.compile(r"^\S+")
_CUT_END: Final = re.compile(r"\S+$")


class Checker:
    """Compare claims with the stored texts of what they cite.

    Args:
        text: gives the stored text of a source by its id, None for one that does not exist.
    """

    def __init__(self, text: Callable[[str], str | None]) -> None:
        self._text = text
        self._texts: dict[str, StoredText | None] = {}

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
                if _said(text) == _said(citation.quote):
                    text = " ".join(found.quote.split())
                kept.append(found)
                repaired = True
        kept = _unique(kept)
        missing = tuple(missing_terms(text, self._passage(kept))) if kept else ()
        verdict = _verdict(text, kept, missing, repaired)
        return replace(claim, text=text, citations=tuple(kept), missing=missing, verdict=verdict)

    def _exact(self, citation: Citation) -> list[Citation]:
        """Find the quote, or its fragments in order where it has an ellipsis; all of them or nothing."""
        stored = self._stored(citation.source)
        if stored is None or not citation.quote.strip():
            return []
        if stored.stands(citation.quote, citation.start, citation.end):
            return [citation]
        whole = stored.locate(citation.quote, citation.start)
        if whole is not None:
            return [_moved(citation, whole, stored)]
        return self._fragments(citation, stored)

    def _fragments(self, citation: Citation, stored: StoredText) -> list[Citation]:
        parts = [part for part in map(str.strip, _ELLIPSIS.split(citation.quote)) if part]
        if len(parts) < 2 or any(len(WORD.findall(part)) < FEWEST_WORDS for part in parts):
            return []
        found: list[Citation] = []
        after = 0
        for part in parts:
            span = stored.locate(part, after if found else citation.start, after)
            if span is None or (found and _negated_between(stored.text[after : span.start])):
                return []
            found.append(_moved(citation, span, stored))
            after = span.end
        return found

    def _repair(self, citation: Citation) -> Citation | None:
        stored = self._stored(citation.source)
        span = stored.nearest(citation.quote) if stored is not None else None
        return _moved(citation, span, stored) if stored is not None and span is not None else None

    def _passage(self, citations: Iterable[Citation]) -> str:
        """Give the quotes with the paragraph around each, as far as it is near."""
        parts = []
        for citation in citations:
            stored = self._stored(citation.source)
            assert stored is not None, "a citation of no source was dropped before"
            before = stored.text[max(0, citation.start - _AROUND) : citation.start]
            after = stored.text[citation.end : citation.end + _AROUND]
            # Half a number at either end would be another number.
            before = _CUT_START.sub("", before) if citation.start > _AROUND else before
            after = _CUT_END.sub("", after) if citation.end + _AROUND < len(stored.text) else after
            parts.append(before.rpartition("\n\n")[2] + citation.quote + after.partition("\n\n")[0])
        return "\n".join(parts)

    def _stored(self, source: str) -> StoredText | None:
        if source not in self._texts:
            text = self._text(source)
            self._texts[source] = None if text is None else StoredText(text)
        return self._texts[source]


def _negated_between(left_out: str) -> bool:
    """Tell whether an ellipsis leaves a negation out of the sentences that it joins."""
    sentences = _SENTENCE_END.split(left_out)
    return negates(sentences[0]) or negates(sentences[-1])


def _verdict(text: str, citations: Sequence[Citation], missing: Sequence[str], repaired: bool) -> Verdict:
    if not citations:
        return Verdict.UNCITED
    if missing:
        return Verdict.TERMS_MISSING
    if repaired:
        return Verdict.REPAIRED
    said = _said(text)
    exact = any(_said(citation.quote) == said for citation in citations)
    return Verdict.VERBATIM if exact else Verdict.TERMS_MATCH


def _moved(citation: Citation, span: Span, stored: StoredText) -> Citation:
    return replace(citation, start=span.start, end=span.end, quote=stored.text[span.start : span.end])


def _unique(citations: Iterable[Citation]) -> list[Citation]:
    known = {(one.source, one.start, one.end): one for one in citations}
    return list(known.values())


def _said(text: str) -> str:
    """Give a text without the quotes around it and the point at its end: a quote may come without.

    A mark on one side alone stays: ″ and ′ are units, and a point before a number is part of it.
    """
    said = normalise(text).text.strip().rstrip(".")
    if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'":
        said = said[1:-1].strip().rstrip(".")
    return said
