"""Recognise the language of a text by its commonest words."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_LETTERS: Final = re.compile(r"[^\W\d_]+")
#: How much of a text is looked at, and how many words it must have to tell.
_ENOUGH: Final = 2000
_FEWEST: Final = 25
#: The share that a language's commonest words must have, and how many there must be to one English word.
_SHARE: Final = 0.12
_AHEAD: Final = 1.3

_COMMON: Final = {
    "English": "the of and to in is that it for as was with be by on not are this or from at which "
    "have an but",
    "German": "der die und das den dem nicht von sie ist des sich mit dass er es ein ich auf eine "
    "auch als zu wird werden",
    "French": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce "
    "il sont avec",
    "Spanish": "de la que el en y los del se las por un para con no una su al lo como más pero sus le es son",
    "Italian": "di e il la che in un per è del una non sono da si le con dei della nel alla i più "
    "ma come anche",
    "Portuguese": "de a o que e do da em um para é com não uma os no se na por mais as dos como "
    "mas foi ao são",
    "Dutch": "de van het een en in is dat op te zijn voor met die niet aan er om ook als dan maar "
    "bij of uit werd",
    "Polish": "i w na z do się nie to jest że o jak po ale od za przez dla co są tym ich który oraz być już",
    "Swedish": "och i att det som en på är av för med till den har de inte om ett var men sig så "
    "vi kan eller",
    "Russian": "и в не на что с по как это из у за от так для же но был его к она он бы о а то все",
}
#: For each of these words the languages that it is common in.
_SPOKEN: Final = {
    word: tuple(name for name, common in _COMMON.items() if word in common.split())
    for word in {word for common in _COMMON.values() for word in common.split()}
}
_SCRIPTS: Final = (
    ("Chinese", re.compile("[\u4e00-\u9fff]")),
    ("Japanese", re.compile("[\u3040-\u30ff]")),
    ("Korean", re.compile("[\uac00-\ud7af]")),
    ("Arabic", re.compile("[\u0600-\u06ff]")),
    ("Greek", re.compile("[\u0370-\u03ff]")),
)


def foreign_language(text: str) -> str | None:
    """Name the language of `text` when it is clearly not English; None otherwise."""
    sample = text[:_ENOUGH]
    found = _LETTERS.findall(sample.lower())
    letters = sum(map(len, found))
    for name, script in () if sample.isascii() else reversed(_SCRIPTS):
        if len(script.findall(sample)) > 0.2 * max(letters, _FEWEST):
            return name
    if len(found) < _FEWEST:
        return None
    spoken = Counter(name for word in found for name in _SPOKEN.get(word, ()))
    best = max(_COMMON, key=lambda name: spoken[name])
    if best == "English" or spoken[best] < max(_SHARE * len(found), _AHEAD * spoken["English"]):
        return None
    return best
