"""Cut text into words, and say which of them carry meaning."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from .stem import stem

WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")

_STOP: Final = """
a about above after again against all also am an and any are aren't as at be because been before
being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't
down during each either else ever few for from further had has hasn't have haven't having he her here
hers him his how however i i'm if in into is isn't it it's its itself just let like may me might more
most much must my neither no nor not of off on once only onto or other our ours out over own per rather
same shall she should so some such than that that's the their theirs them then there these they this
those though through thus to too under until up upon us very via was wasn't we were weren't what when
where whether which while who whom whose why will with within without won't would you your yours
yet
"""
_GENERIC: Final = """
able add allow almost already always among another apart apply ask available avoid away aware based
become begin best better big bring call case cause certain change choose come common compare compared
concern consider contain current day deal decide define definition depend describe detail differ
difference different easy effect enable end ensure especially etc even every everything exactly example
exist explain explanation fact far feature fine first follow form full general get give go good great
guide handle happen help high idea important improve include including instead introduction involve
issue item keep kind know large last latest lead least less level list little long look lot low main
make many matter mean means method need never new next now number offer often old one overview part
people perform person place point possible prevent problem provide put question quick quickly quite
read really reason related require research result right role run say second see seem separate set
several show simple since small solution something sort specific start state step still stop study
summary support take talk tell thing think three time today together topic try turn two type understand
use used useful user's using usually various versus vs want way well work works world write wrong
year became began brought came chose done found gave given gone got held kept knew known led left made meant
put ran said seen set shown taken thought told took went written wrote
"""

#: Words that hold English sentences together; a search leaves them out.
STOP_WORDS: Final = frozenset(_STOP.split())

#: Words of questions and of everyday speech: in a topic they say little about what it is about.
GENERIC_WORDS: Final = frozenset(_GENERIC.split())
_GENERIC_STEMS: Final = frozenset(stem(word) for word in GENERIC_WORDS)
#: Who or what does it is no word of everyday speech: a researcher is not just any research.
_DOER: Final = re.compile(r"[a-z]{3,}(?:er|or|ist)$")


def words(text: str) -> list[str]:
    """Give all words of `text` in lower case."""
    return WORD.findall(text.lower().replace("’", "'"))


def stems(text: str) -> list[str]:
    """Give the stems of the words of `text` that carry meaning, in order, repeats included."""
    return [stem_of(word) for word in words(text) if word not in STOP_WORDS]


def forms(text: str) -> dict[str, str]:
    """Give for each stem of `text` a word that has it.

    A library is asked about words: the stem of a stem may be another one.
    """
    return dict(_form(word) for word in words(text) if word not in STOP_WORDS)


def neighbours(text: str) -> list[tuple[str, str]]:
    """Give the pairs of words that stand side by side in `text` and both carry meaning."""
    found = [_bare(word) for word in words(text)]
    plain = [word in STOP_WORDS or is_generic(stem_of(word)) for word in found]
    return [(found[n], found[n + 1]) for n in range(len(found) - 1) if not (plain[n] or plain[n + 1])]


@lru_cache(maxsize=65_536)
def stem_of(word: str) -> str:
    """Give the stem under which a word is counted; that of a doer is not that of an everyday deed."""
    bare = _bare(word)
    short = stem(bare)
    if short not in _GENERIC_STEMS or bare in GENERIC_WORDS:
        return short
    single = bare.removesuffix("s")
    return single if _DOER.match(single) and single not in GENERIC_WORDS else short


@lru_cache(maxsize=65_536)
def _form(word: str) -> tuple[str, str]:
    return stem_of(word), _bare(word)


def is_generic(stemmed: str) -> bool:
    """Tell whether a stem says little about what a topic is about."""
    return stemmed in _GENERIC_STEMS


def _bare(word: str) -> str:
    return word[:-2] if word.endswith("'s") else word.replace("'", "")
