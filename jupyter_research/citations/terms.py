"""Compare the numbers, names and negations of a claim with those of a passage."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .stored import WORD
from .typography import normalise

_NUMBER: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
#: Points of a fraction beside "." itself.
_POINT: Final = re.compile(r"(?<=\d)[·٫](?=\d)")
_NAMED: Final = re.compile(
    r"\b(?:\w*[a-z]\w*[A-Z]\w*|[A-Z][A-Z0-9]+\w*|\w+_\w+|[A-Z]\w+(?:-\w+)?|\w*[A-Za-z]-?\d\w*)\b"
)
#: No name is as long, and a search for capitals within takes the square of the length.
_ENDLESS: Final = re.compile(r"\w{200,}")
_NEGATION: Final = re.compile(r"\b(?:not|no|never|none|neither|nor|cannot|without)\b|n't\b")
_FIRST_WORD: Final = re.compile(r"(?:^|[.!?:]\s+)[\"'(\[]*(\w+)")


def missing_terms(claim: str, passage: str) -> list[str]:
    """Give the numbers, names and negations of `claim` that `passage` lacks."""
    claim = unicodedata.normalize("NFC", claim)
    plain = normalise(passage).text
    numbers = {number.replace(",", "") for number in _numbers(plain)}
    missing = [number for number in _numbers(claim) if number.replace(",", "") not in numbers]
    known = set(WORD.findall(plain)) | set(WORD.findall(plain.replace("_", " ")))
    firsts = {match.start(1) for match in _FIRST_WORD.finditer(claim)}
    for match in _NAMED.finditer(_ENDLESS.sub(lambda endless: " " * len(endless[0]), claim)):
        word = match[0]
        ordinary = word[1:].islower() and (match.start() in firsts or not word[0].isupper())
        if not ordinary and normalise(word).text not in known and normalise(word).text not in plain:
            missing.append(word)
    negation = _NEGATION.search(normalise(claim).text)
    if negation and not _NEGATION.search(plain):
        missing.append(negation[0])
    return list(dict.fromkeys(missing))


def negates(text: str) -> bool:
    """Tell whether a text has a negation."""
    return _NEGATION.search(normalise(text).text) is not None


def _numbers(text: str) -> list[str]:
    return _NUMBER.findall(_POINT.sub(".", text))
