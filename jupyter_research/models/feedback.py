"""Read what a person wants changed about a team of lenses, and say honestly what was understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .base import Analyst, Corpus
from .lenses import LENSES, Lens, analyst_of, tells
from .words import stems, words

_NUMBERS: Final = {
    word: number
    for number, word in enumerate(words("one two three four five six seven eight nine ten"), start=1)
}
_CLAUSE: Final = re.compile(
    r"[.;,!\n]|\bbut\b|\band (?=(?:no|drop|remove|add|also|only|without|skip|more|use)\b)", re.IGNORECASE
)
_DROP: Final = frozenset(words("no not drop remove without skip omit less delete exclude don't ignore"))
_ONLY: Final = frozenset({"only", "just"})
_COUNTED: Final = re.compile(
    r"\b(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten) "
    r"(?:\w+ )?(?:analysts?|lens(?:es)?|perspectives?|people)\b",
    re.IGNORECASE,
)
#: What people write around the things that they want.
_FILLER: Final = frozenset(
    stems(
        "add also analyst analysts analysis lens lenses perspective please want like focus look "
        "cover include use "
        "team someone expert who should more drop remove without skip omit less delete exclude "
        "ignore section "
        "sections person change instead replace rename about one two three four five six seven eight nine ten"
    )
)
_UNCHANGED: Final = (
    "The team is unchanged: without a language model only names of lenses, numbers and words to look for are "
    "understood. It can also be edited directly."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Hold what was understood of a person's feedback."""

    wanted: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    #: Only the lenses of `wanted`.
    only: bool = False
    count: int | None = None
    #: Things to look for that are no lens, in the person's words.
    subjects: tuple[str, ...] = ()


def read_feedback(text: str) -> Wishes:
    """Find the lenses, numbers and subjects that `text` names."""
    counted = _COUNTED.search(text)
    count = None
    if counted:
        word = counted[1].lower()
        count = _NUMBERS.get(word) or int(word)
    wanted: list[str] = []
    dropped: list[str] = []
    subjects: list[str] = []
    only = False
    for clause in _CLAUSE.split(_COUNTED.sub(" ", text)):
        found = words(clause)
        lenses = [lens.id for lens in LENSES if _names(lens, clause, found)]
        against = bool(_DROP.intersection(found))
        (dropped if against else wanted).extend(lenses)
        only = only or (bool(_ONLY.intersection(found)) and bool(lenses) and not against)
        if not lenses and not against:
            subjects.extend(_subject(clause))
    return Wishes(
        wanted=tuple(wanted), dropped=tuple(dropped), only=only, count=count, subjects=tuple(subjects)
    )


def subject_analyst(subject: str, taken: Sequence[str]) -> Analyst:
    """Give the analyst that looks for a subject in a person's own words."""
    slug = "about-" + "-".join(words(subject))[:40]
    number = 2
    unique = slug
    while unique in taken:
        unique, number = f"{slug}-{number}", number + 1
    return {
        "id": unique,
        "name": f"About “{subject}”",
        "role": f"Looks for: {subject}",
        "affiliation": "",
        "description": subject,
    }


def apply_feedback(
    available: Sequence[Lens], count: int, feedback: Sequence[str], corpus: Corpus
) -> tuple[list[Analyst], list[str]]:
    """Choose among the `available` lenses as the feedback says.

    Returns:
        The analysts, and sentences that say what could not be done as asked.
    """
    names = {lens.id: lens.name for lens in LENSES}
    here = {lens.id for lens in available}
    chosen = [lens.id for lens in available][:count]
    subjects: list[str] = []
    notes: list[str] = []
    for text in feedback:
        wishes = read_feedback(text)
        before = (list(chosen), list(subjects))
        notes = []
        if wishes.only:
            chosen = [one for one in wishes.wanted if one in here]
        chosen = [one for one in chosen if one not in wishes.dropped]
        chosen += [one for one in wishes.wanted if one in here and one not in chosen]
        missing = [names[one] for one in wishes.wanted if one not in here]
        notes += [f"For “{name}” the library has nothing about this topic." for name in missing]
        present = [one for one in wishes.subjects if any(corpus.frequency(word) for word in words(one))]
        notes += [f"The library nowhere mentions “{one}”." for one in wishes.subjects if one not in present]
        subjects += [one for one in present if one not in subjects]
        if wishes.count is not None:
            room = max(0, wishes.count - len(subjects))
            more = [lens.id for lens in available if lens.id not in chosen and lens.id not in wishes.dropped]
            chosen = (chosen + more)[:room]
            if len(chosen) + len(subjects) < wishes.count:
                notes.append(f"There are only {len(chosen) + len(subjects)} lenses for this topic.")
        if (chosen, subjects) == before:
            notes.append(_UNCHANGED)
    order = [lens.id for lens in LENSES]
    lenses = [lens for lens in LENSES if lens.id in chosen]
    lenses.sort(key=lambda lens: order.index(lens.id))
    analysts = [analyst_of(lens) for lens in lenses]
    for subject in subjects:
        analysts.append(subject_analyst(subject, [one["id"] for one in analysts]))
    return analysts[:10], notes


def _names(lens: Lens, clause: str, found: Sequence[str]) -> bool:
    lowered = clause.lower()
    return lens.name.lower() in lowered or lens.id in lowered or not lens.nicknames.isdisjoint(found)


def _subject(clause: str) -> list[str]:
    """Give the words of a clause that are left when the filler is gone, as one subject."""
    kept = [word for word in words(clause) if _worth(word)]
    return [" ".join(kept[:5])] if kept else []


def _worth(word: str) -> bool:
    found = stems(word)
    return bool(found) and all(stem not in _FILLER and tells(stem) for stem in found)
