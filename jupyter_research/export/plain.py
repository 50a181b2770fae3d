"""Bring text of others into a form that every format can hold, without unseen characters."""

from __future__ import annotations

import re
from typing import Final

#: Controls, direction overrides and other characters that nobody sees but that change what is seen.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
#: Controls that part words, and that no file may hold either.
_PARTS: Final = re.compile("[\x0b\x0c\x1c-\x1f]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_BLANK_LINES: Final = re.compile(r"(?:\r\n?|\n)[ \t]*(?:(?:\r\n?|\n)[ \t]*)+")
_QUOTATION: Final = "\"'“”„‟‘’«»‹› "


def visible(text: str) -> str:
    """Give `text` without characters that are unseen, or that no file may hold."""
    return _SURROGATES.sub("\ufffd", _PARTS.sub(" ", _UNSEEN.sub("", str(text))))


def one_line(text: str) -> str:
    """Give `text` as one line, whatever breaks it holds."""
    return " ".join(visible(text).split())


def blocks(text: str) -> list[list[str]]:
    """Split a text of many lines at its blank lines; each block is a list of lines."""
    parts = [[one_line(line) for line in part.splitlines()] for part in _BLANK_LINES.split(text)]
    return [kept for part in parts if (kept := [line for line in part if line])]


def comparable(text: str) -> str:
    """Give `text` as quotes are compared: on one line, without quotation marks around it."""
    return one_line(text).strip(_QUOTATION)


def quoted(text: str) -> str:
    """Put quotation marks around `text`, unless it bears some of its own."""
    line = one_line(text)
    whole = len(line) > 1 and (line[0], line[-1]) in {("“", "”"), ('"', '"'), ("«", "»"), ("„", "“")}
    return line if whole else f"“{line}”"
