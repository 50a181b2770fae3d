"""Tell prose that can be quoted from headings, code, tables, references and other fragments."""

from __future__ import annotations

import re
from typing import Final

from .words import STOP_WORDS, words

_LONGEST: Final = 700
_CODE: Final = re.compile(
    r"^\s*(?:>>>|\.\.\.|\$ |#!|//|/\*|@\w|\.\. )|^(?:from [\w.]+ )?import \w|"
    r"^\s*(?:def|class)\s+\w+\s*[(:]|^\s*(?:def|class|async|return|if|for)\b.*:\s*(?:$|\n)|"
    r"\w\(\)\s*[;{]|=>|::(?:\s|$)|\s>>>\s|[{};]\s*$|</?[a-zA-Z][^<>]*>|\w+ ?= ?[\[{\"'(]|^\s*%\w|"
    r":(?:param|type|return|rtype|raises)\b|\\\w+\{|&\w+;|\|\||&&"
)
_TABLE: Final = re.compile(r"\|.*\||(?:^|\n)\s*[-+=]{4,}|\S\t\S|(?:\S {3,}){2,}\S|[─━│┃├└]|\.{5,}|_{4,}")
_REFERENCE: Final = re.compile(
    r"\bdoi\b|\barXiv:|\bISBN\b|^\s*\[\d+\]|\b(?:19|20)\d\d[a-z]?\)?[.;:,]\s*\d+ ?[(:]|\bpp?\.\s*\d+[-–]\d|"
    r"(?:[A-Z][a-z]+,? [A-Z]\.,? ?(?:[A-Z]\.,? ?)?(?:and |& )?){2,}|\bVol\. ?\d|\bProceedings of\b.*\d{4}|"
    r"\bet al\.,? .*\d+ ?: ?\d+[-–]\d+",
)
_NOTICE: Final = re.compile(
    r"\ball rights reserved\b|\blicen[sc]ed? under\b|\bcopyright\b|©|\bpermission is hereby\b|"
    r"\bwarrant(?:y|ies)\b|\bredistribution\b|\bsupported by (?:a |the )?grants?\b|\backnowledge?ments?\b|"
    r"\bcorresponding author\b|@\w+\.(?:edu|org|com|net)\b|\bcontributed by\b|\bpatch by\b|\bpull "
    r"request\b|\bPR #?\d|\bthanks to\b",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"https?://|\]\(|\]\[|:[a-z]+:`|`_|!\[|\bwww\.")
#: A web address, with the brackets in which Markdown has it.
ADDRESS: Final = re.compile(r"\]\([^)\s]*\)|<?https?://[^\s>)\]]+>?")
#: Names of code: dotted, with underscores, in camel case, called.
_NAMES: Final = re.compile(
    r"\b\w+(?:\.\w{2,})+\b|\b\w+_\w+\b|\b[a-z]+[A-Z]\w+\b|\w\(\)|\b[A-Z][a-z]+[A-Z][a-z]\w*"
)
#: A name set as code; a sentence with more of them than these is a list of names.
_LITERAL: Final = re.compile(r"`[^`]+`")
_LITERALS: Final = 8
#: Sentences that lean on one before them.
_LEANS: Final = re.compile(
    r"^[\[*_`\"'“(]*(?:This|These|That|Those|It|They|Such|He|She|Both|Here|There|Also|Then|Thus|Hence|Therefore|So|But|And|"
    r"Or|However|Moreover|Furthermore|Additionally|Instead|Otherwise|In addition|For example|For "
    r"instance|In this)\b"
)
#: Sentences whose subject is left out, as descriptions of functions and settings have them.
_BARE: Final = re.compile(
    r"^(?:True|False|None|Has|Have|Must|Should|Shall|Can|Could|May|Might|Is|Are|Was|Were|Will|Would|Does|"
    r"(?:Return|Raise|Give|Yield|Contain|Represent|Provide|Determine|Indicate|Specifie|Allow|Call|Prefer|Create)s)\b"
)
#: Sentences that say what somebody set out to do: no evidence of anything yet.
_AIM: Final = re.compile(
    r"""(?x) ^
    (?: (?:Here,?\s|In\sthis\s\w+,?\s)? (?:we|this\s(?:study|review|paper|article|trial)) \s (?:\w+ly\s)?
        (?: will\s\w+ | aim\w* | sought | assess\w* | investigat\w* | examin\w* | studied | conducted
          | performed | evaluat\w* | describes? | discuss\w* | review\w* | hypothesi[sz]ed? | analy[sz]ed
          | compared | measured | used )
      | to\s(?:assess|determine|examine|investigate|evaluate|study|estimate|test|explore)
      | (?:the|our)\s(?:\w+\s)?(?:aim|objective|purpose|goal)s? ) \b""",
    re.IGNORECASE,
)
#: The label with which a part of a structured abstract begins.
_LABEL: Final = re.compile(
    r"""(?x)
    (?: BACKGROUND | CONTEXT | OBJECTIVES? | AIMS? | PURPOSE | IMPORTANCE | INTRODUCTION | METHODS?
      | METHODOLOGY | DESIGN | SETTINGS? | (?:MAIN\s)?OUTCOMES? | MAIN\sOUTCOME\sMEASURES? | EVIDENCE
      | DATA\s(?:SOURCES?|EXTRACTION|SYNTHESIS) | STUDY\sSELECTION | PARTICIPANTS | PATIENTS
      | MEASUREMENTS | INTERVENTIONS? | RESULTS | (?:PRINCIPAL\s)?FINDINGS | CONCLUSIONS? | INTERPRETATION
      | DISCUSSION | SIGNIFICANCE | RATIONALE | HYPOTHESIS | SUMMARY | LIMITATIONS | FUNDING | UNLABELLED )
    (?: (?:\sAND\s|/|\s?&\s?) [A-Z]+ )* (?:\s?[:.–—-])? \s+ (?=[A-Z0-9"“(])"""
)
_STARTS: Final = re.compile(r"[\"'“‘(\[*_`]*[^\W_]")
_ENDS: Final = re.compile(r"[.!?…][\"'”’)\]*_`]*$")


def label(text: str) -> int:
    """Give the length of the label that a sentence of a structured abstract begins with; 0 without one."""
    match = _LABEL.match(text)
    return match.end() if match else 0


def leans(text: str) -> bool:
    """Tell whether a sentence needs the one before it to be understood."""
    return bool(_LEANS.match(text))


def quotability(text: str) -> float:
    """Say how well `text` stands as evidence: 0 for what is no sentence, at most 1."""
    if not 20 <= len(text) <= _LONGEST or "\n\n" in text or not _ENDS.search(text) or not _STARTS.match(text):
        return 0.0
    if _CODE.search(text) or _TABLE.search(text) or _REFERENCE.search(text) or _NOTICE.search(text):
        return 0.0
    found = words(ADDRESS.sub(" ", text))
    if not 5 <= len(found) <= 110 or not _reads(text, found):
        return 0.0
    if len(_LITERAL.findall(text)) > _LITERALS:
        return 0.0
    return _shine(text, len(found))


def _reads(text: str, found: list[str]) -> bool:
    """Tell whether it has the little words and the letters that prose has."""
    small = sum(word in STOP_WORDS for word in found)
    letters = sum(map(str.isalpha, text)) + sum(map(str.isspace, text))
    digits = sum(word[0].isdigit() for word in found)
    capitals = sum(map(str.isupper, text))
    return (
        small / len(found) >= (0.1 if len(found) < 9 else 0.07)
        and letters / len(text) >= 0.5
        and digits / len(found) <= 0.55
        and capitals / len(text) <= 0.35
    )


def _shine(text: str, count: int) -> float:
    value = 1.0
    if _BARE.match(text) and not text.endswith("?"):
        value *= 0.6
    if _AIM.match(text):
        value *= 0.6
    if text[0].islower():
        value *= 0.6
    if _LINK.search(text):
        value *= 0.8
    if count > 60:
        value *= 0.85
    if len(_NAMES.findall(text)) > 0.12 * count:
        value *= 0.8
    if count < 8:
        value *= 0.8
    if text.rstrip("\"'”’)]*_`").endswith("?"):
        value *= 0.5
    return value
