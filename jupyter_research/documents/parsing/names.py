"""Tell the names of people in a line from where they work, and from everything else."""

from __future__ import annotations

import re
from typing import Final

from .layout import readable

_NAME: Final = re.compile(
    r"(?:[^\W\d_][\w'’.-]*\.?\s+){1,3}(?:(?:de|van|von|der|den|la|le|di|da|dos|bin|al)\s+)*[^\W\d_][\w'’-]+$"
)
_NO_NAME: Final = re.compile(
    r"universi\w*|institut\w*|\b(?:department|school|college|faculty|centre|center|research|"
    r"labs?|laborator\w+|"
    r"hospital|clinic|inc|ltd|gmbh|corp|google|microsoft|meta|street|road|avenue|states|kingdom|city|abstract|"
    r"proceedings|conference|journal|review|preprint|draft|version|report|volume|group|team|project|january|"
    r"february|march|april|may|june|july|august|september|october|november|december|usa|china|germany|france|"
    r"austria|the|of|for|in|with|and)\b",
    re.I,
)
_BY: Final = re.compile(r"(?:written |edited )?by:?\s+", re.I)
_BETWEEN: Final = re.compile(r",|;|\band\b|&|·|•|\t", re.I)
_NOTES: Final = re.compile(r"[\d*†‡§¶∗⋆#]+")


def is_address(text: str) -> bool:
    """Tell whether a line says where somebody works or is written to."""
    return bool(_NO_NAME.search(text)) or "@" in text


def names_in(text: str) -> list[str]:
    """Give the names that a line is made of; none where anything else stands in it."""
    if "@" in text:
        return []
    parts = map(readable, _BETWEEN.split(_NOTES.sub(" , ", _BY.sub("", text, count=1))))
    # A single letter points to an address below.
    names = [_proper(part) for part in parts if len(part) > 1]
    return names if all(map(_is_name, names)) else []


def _proper(name: str) -> str:
    """Give a name in capitals as it is written elsewhere."""
    return name.title() if name.isupper() and " " in name else name


def _is_name(part: str) -> bool:
    words = part.split()
    # Of letters alone it is the name of a house: ETH Zurich.
    house = words[0].isupper() and len(words[0]) > 1 and "." not in words[0] and not part.isupper()
    return (
        len(part) < 50
        and not house
        and bool(_NAME.match(part))
        and not _NO_NAME.search(part)
        and words[0][0].isupper()
        and any(char.isupper() for char in words[-1])
    )


def people_in(said: str) -> tuple[str, ...]:
    """Give the names that a file gives as its authors; none where they are no people's."""
    names = [name.strip() for name in re.split(r";|,| and ", said) if name.strip()]
    # The account of whoever pressed the button is no author, nor is where an author works.
    people = any(" " in name for name in names) and not any(map(_NO_NAME.search, names))
    return tuple(names) if people else ()
