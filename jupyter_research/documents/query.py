"""Turn what a person asks into a query that FTS5 takes."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = """
a about above after again against all also am an and any are aren as at be because been before being below
between both but by can cannot could couldn did didn do does doesn doing don down during each few for from
further had hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn
it its itself just ll me might more most mustn my myself no nor not now of off on once only or other our
ours ourselves out over own re same shall shan she should shouldn so some such than that the their theirs
them themselves then there these they this those through to too under until up upon us ve very was wasn we
were weren what when where which while who whom why will with won would wouldn you your yours yourself
yourselves
"""
STOP_WORDS: Final = frozenset(_WORDS.split())

_TERM: Final = re.compile(r"[^\W_]+")
#: The time of a query grows with its terms; the first of them say what it is about.
_MAX_TERMS: Final = 256


def terms(text: str) -> list[str]:
    """Give the words that carry meaning, in order and with repeats; all of them if none does."""
    words = _TERM.findall(text)
    return [word for word in words if word.casefold() not in STOP_WORDS] or words


def match(text: str) -> str | None:
    """Give the FTS5 expression: any of the terms, each quoted; None when there is none.

    A repeated term is kept: in a question of a paragraph it weighs more.
    """
    quoted = [f'"{word}"' for word in terms(text)[:_MAX_TERMS]]
    return " OR ".join(quoted) or None
