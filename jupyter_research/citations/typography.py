"""Bring text into the form in which quotes are compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

_SAME: Final = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "´": "'", "`": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "″": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "…": "...",
}  # fmt: skip
#: Soft hyphens, joiners, marks of direction, choices between forms of one character.
_UNSEEN: Final = frozenset(
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10)]))
)
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

    Case, runs of white space, typographic quotes, dashes and ligatures, invisible characters, hyphens
    between letters and whether a mark is written apart from its letter make no difference. Digits, signs
    and words do.
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
        elif character == _LINE_HYPHEN or character in _HYPHENS:
            after = _skip_space(text, at + 1)
            if not _vanishes(text, at, after):
                characters.append("-")
                origin.append(at)
            at = after if character == _LINE_HYPHEN or _ends_line(text, at, after) else at + 1
            continue
        elif character in _UNSEEN:
            pass
        elif (
            is_mark(character)
            and characters
            and _follows(text, origin[-1], at)
            and (whole := _composed(characters[-1], character))
        ):
            characters[-1] = whole
        else:
            for part in _SAME.get(character, character).casefold():
                characters.append(part)
                origin.append(at)
        at += 1
    if characters and characters[-1] == " ":
        characters.pop()
        origin.pop()
    origin.append(size)
    return Plain("".join(characters), origin)


def is_mark(character: str) -> bool:
    """Tell whether a character is an accent or the like, and belongs to the one before it."""
    return character > "\u02ff" and unicodedata.category(character)[0] == "M"


def _follows(text: str, letter: int, at: int) -> bool:
    """Tell whether between a letter and a mark there are marks alone, so that it is the letter's."""
    return all(map(is_mark, text[letter + 1 : at]))


def _composed(letter: str, mark: str) -> str | None:
    """Give the one character that stands for a letter with its mark, if there is one."""
    whole = unicodedata.normalize("NFC", letter + mark)
    return whole if len(whole) == 1 else None


def _vanishes(text: str, at: int, after: int) -> bool:
    """Tell whether a hyphen says no more than that a word goes on; with a number it is a sign, or a range."""
    before, following = text[at - 1 : at], text[after : after + 1]
    if text[at] == _LINE_HYPHEN:
        return not (before.isdigit() or following.isdigit())
    joins = after == at + 1 or "\n" in text[at + 1 : after]
    return joins and before.isalpha() and following.isalpha()


def _ends_line(text: str, at: int, after: int) -> bool:
    """Tell whether a hyphen stands at a line's end, within a word or a number that goes on below."""
    return "\n" in text[at + 1 : after] and text[at - 1 : at].isalnum() and text[after : after + 1].isalnum()


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
