"""Bring text into the form in which quotes are compared."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

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
#: Letters, digits and marks that stand for themselves: all of ASCII that can be seen but the hyphen and "`".
_ITSELF: Final = re.compile("[!-,.-_a-~]+")


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
        if run := _ITSELF.match(text, at):
            characters += run[0].lower()
            origin += range(at, run.end())
            at = run.end()
            continue
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
