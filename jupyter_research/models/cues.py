"""List the words by which the lenses know their sentences, each pattern with its weight."""

from __future__ import annotations

import re
from typing import Final

Cues = tuple[tuple[re.Pattern[str], float], ...]


def _cues(*weighed: tuple[float, str]) -> Cues:
    return tuple((re.compile(pattern, re.IGNORECASE), weight) for weight, pattern in weighed)


def _any(text: str) -> str:
    """Make a pattern of phrases that are parted by commas."""
    return rf"\b(?:{'|'.join(phrase.strip() for phrase in text.split(','))})\b"


#: What comes before the verb of a definition: few words, the first of them the subject.
_SUBJECT: Final = (
    r"^\W*(?!(?:it|this|that|there|here|these|those|they|if|when|we|you|what|which)\b)(?:\S+\s+){1,7}?"
)

#: What a sentence says something about: all that stands before its first verb.
DEFINED: Final = re.compile(
    _SUBJECT
    + r"(?=(?:is|are|refers?|stands?|consists?|provides?|represents?|describes?|contains?|comprises?|"
    r"implements?|defines?|enables?|allows?|includes?|supports?|lets|gives)\b)",
    re.IGNORECASE,
)

DEFINITION: Final = _cues(
    (
        1.0,
        _SUBJECT
        + r"(?:is|are) (?:an?|the|one of|a kind of|defined|called)\b(?! (?:same|case|way|only|first|last)\b)",
    ),
    (
        1.0,
        _any(
            """
        refers? to, (?:is|are) defined as, (?:is|are) known as, stands? for, (?:is|are) called,
        consists? of
        """
        ),
    ),
    (
        0.8,
        _SUBJECT
        + r"(?:provides?|represents?|describes?|contains?|comprises?|implements?|defines?|enables?)\b",
    ),
    (0.7, r"\b(?:is|are) (?:used|designed|intended|responsible|meant) (?:to|for)\b|\bconcept of\b"),
    (0.6, _SUBJECT + r"(?:allows?|includes?|supports?|lets|gives)\b"),
)

_UNIT: Final = r"""
    percent, per cent, ms, milliseconds?, seconds?, minutes?, hours?, days?, weeks?, months?, years?, MB, GB,
    KB, bytes, characters, times, -?fold, mg, kg, ml, µ[gm]?\w*, patients, participants, people, cases, users,
    requests, connections, threads, points
"""
FINDINGS: Final = _cues(
    (1.0, rf"\d\s*%|\d\s*{_any(_UNIT)}|\b[pP]\s*[<=>]\s*0?\.\d|\b\d+(?:\.\d+)? to \d"),
    (1.0, r"\b(?:results?|findings?|data|studies|experiments?|we|measurements) (?:\w+ )?"
          r"(?:show(?:s|ed|n)?|found|suggest(?:s|ed)?|demonstrate[sd]?|indicate[sd]?|reveal(?:s|ed)?|confirm(?:s|ed)?|"
          r"observed)\b"),
    (0.9, _any(
        r"""
        associated with, correlat\w+, significant(?:ly)?, odds ratio, hazard ratio, relative risk
        """
    )),
    (0.8, _any(
        r"""
        increase[sd]?, decrease[sd]?, reduce[sd]?, higher, lower, faster, slower, greater, fewer,
        more than, less than, at least, at most, up to \d+, compared (?:with|to), on average,
        median, maximum, minimum
        """
    )),
    (0.7, r"\bdefaults? (?:to|is|value)\b|\bby default\b"),
)  # fmt: skip

MECHANISM: Final = _cues(
    (1.0, r"\bby (?:\w+ly )?\w{3,}ing\b|\bin order to\b|\bmechanisms?\b|\bmediate[sd]?\b|"
          r"\bpathways?\b|\bso that\b"),
    (0.9, r"\b(?:works?|happens?|occurs?) (?:by|through|via|when|as)\b|\bresponsible for\b|\bvia\b|"
          r"\bthrough\b"),
    (0.8, r"^\W*(?:when|if|once|after|before|while|whenever|to)\b.{8,}?,"),
    (0.7, _any(
        """
        calls?, creates?, sends?, starts?, stores?, passes, returns?, checks?, reads?, writes?,
        runs?, launch(?:es)?, spawns?, generates?, converts?, activates?, inhibits?, binds?,
        regulates?, induces?, leads? to, causes?, uses, using, sets?, handles?, maps?, encrypts?,
        signs?, redirects?, drives?, turns?
        """
    )),
    (0.5, _any(
        """
        must, should, can be, you can, needs? to, then, first
        """
    )),
)  # fmt: skip

CAVEATS: Final = _cues(
    (1.0, _any(
        r"""
        however, although, despite, in contrast, on the other hand, contrary, controvers\w+,
        inconsistent, conflicting, caution, caveat, limitations?, beware, careful, warning,
        deprecated, insecure, vulnerab\w+, drawback, disadvantage, no evidence, unlike,
        nevertheless, unsafe, dangerous, danger, do not use
        """
    )),
    (0.8, _any(
        """
        cannot, can't, must not, should not, shouldn't, do not, don't, does not, doesn't, did not,
        is not, isn't, are not, was not, were not, will not, won't, never, no longer, neither, nor,
        fails?, failed, unless, without
        """
    )),
    (0.6, _any(
        """
        but, only, except, risks?, errors?, limited
        """
    )),
)  # fmt: skip

OPEN_QUESTIONS: Final = _cues(
    (1.0, _any(
        r"""
        unknown, unclear, uncertain, poorly understood, not (?:yet )?(?:known|clear|understood),
        remains? to be, further (?:research|studies|study|work|investigation), future
        (?:research|studies|work|versions?|releases?), not yet, to be determined, open question,
        little is known, remains? (?:\w+ )?(?:controversial|elusive), TODO, FIXME
        """
    )),
    (0.8, _any(
        r"""
        we hypothesi[sz]e\w*, (?-i:hypothes[ie]s), it is possible that, may be possible, to be
        investigated, planned, experimental, needs? to be (?:\w+
        )?(?:studied|investigated|tested|established)
        """
    )),
)  # fmt: skip
