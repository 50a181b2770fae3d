"""Reduce an English word to its stem, as M. F. Porter's algorithm of 1980 does.

The library's index stems its words in the same way, so that what a search finds and
what a sentence is judged by agree.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_C: Final = r"[^aeiou](?:[^aeiouy])*"
_V: Final = r"[aeiouy](?:[aeiou])*"
_MEASURE_0: Final = re.compile(f"^(?:{_C})?{_V}{_C}")
_MEASURE_1: Final = re.compile(f"^(?:{_C})?{_V}{_C}(?:{_V})?$")
_MEASURE_2: Final = re.compile(f"^(?:{_C})?{_V}{_C}{_V}{_C}")
_VOWEL: Final = re.compile(f"^(?:{_C})?[aeiouy]")
_SHORT: Final = re.compile(f"^{_C}[aeiouy][^aeiouwxy]$")

_STEP_2: Final = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble",
    "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate",
    "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al",
    "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
_STEP_3: Final = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
_STEP_4: Final = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism", "ate",
    "iti", "ous", "ive", "ize",
)  # fmt: skip


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Give the stem of `word`, which stands in lower case."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    first_y = word[0] == "y"
    if first_y:
        word = "Y" + word[1:]
    word = _step_1(word)
    word = _replace(word, _STEP_2, _MEASURE_0)
    word = _replace(word, _STEP_3, _MEASURE_0)
    word = _step_4(word)
    word = _step_5(word)
    return "y" + word[1:] if first_y else word


def _step_1(word: str) -> str:
    if word.endswith(("sses", "ies")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("eed"):
        word = word[:-1] if _MEASURE_0.match(word[:-3]) else word
    else:
        word = _without_past(word)
    if word.endswith("y") and _VOWEL.match(word[:-1]):
        word = word[:-1] + "i"
    return word


def _without_past(word: str) -> str:
    for ending in ("ed", "ing"):
        base = word[: -len(ending)]
        if word.endswith(ending) and _VOWEL.match(base):
            if base.endswith(("at", "bl", "iz")):
                return base + "e"
            if len(base) > 1 and base[-1] == base[-2] and base[-1] not in "aeiouylsz":
                return base[:-1]
            return base + "e" if _SHORT.match(base) else base
    return word


def _replace(word: str, endings: dict[str, str], measure: re.Pattern[str]) -> str:
    for length in range(min(7, len(word)), 2, -1):
        ending = word[-length:]
        if ending in endings:
            base = word[:-length]
            return base + endings[ending] if measure.match(base) else word
    return word


def _step_4(word: str) -> str:
    found = max((ending for ending in _STEP_4 if word.endswith(ending)), key=len, default="")
    if word.endswith("ion") and len(found) < 3 and word[:-3].endswith(("s", "t")):
        found = "ion"
    base = word[: -len(found)] if found else word
    return base if found and _MEASURE_2.match(base) else word


def _step_5(word: str) -> str:
    if word.endswith("e"):
        base = word[:-1]
        if _MEASURE_2.match(base) or (_MEASURE_1.match(base) and not _SHORT.match(base)):
            word = base
    if word.endswith("ll") and _MEASURE_2.match(word):
        word = word[:-1]
    return word
