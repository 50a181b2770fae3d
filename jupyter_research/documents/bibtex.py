"""Read BibTeX as reference managers write it: entries, nested braces, accents in LaTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

_ENTRY: Final = re.compile(r"@(\w+)\s*[{(]\s*([^,\s{}()]*)\s*,")
_FIELD: Final = re.compile(r"\s*,?\s*([\w-]+)\s*=\s*")
_BARE: Final = re.compile(r"[^\s,{}\"#]+")
_ACCENT: Final = re.compile(r"\\([`'^\"~=.uvHck])\s*(?:\{\\?([A-Za-z])\}|\\?([A-Za-z]))")
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)\s*")

_COMBINING: Final = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
}
_LETTERS: Final = {
    "ss": "ß",
    "o": "ø",
    "O": "Ø",
    "ae": "æ",
    "AE": "Æ",
    "aa": "å",
    "AA": "Å",
    "l": "ł",
    "L": "Ł",
}


def entries(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give the key and the fields of each entry; what is broken is passed over."""
    for head in _ENTRY.finditer(text):
        if head[1].lower() in ("comment", "string", "preamble"):
            continue
        yield head[2], dict(_fields(text, head.end()))


def plain(value: str) -> str:
    """Turn a value with LaTeX in it into text."""
    value = _ACCENT.sub(_accented, value)
    value = _COMMAND.sub(lambda match: _LETTERS.get(match[1], ""), value)
    value = re.sub(r"\\([&%$#_])", r"\1", value).replace("~", " ").replace("--", "–")
    return re.sub(r"\s+", " ", re.sub(r"[{}]", "", value)).strip()


def _fields(text: str, at: int) -> Iterator[tuple[str, str]]:
    while field := _FIELD.match(text, at):
        value, at = _value(text, field.end())
        yield field[1].lower(), value


def _value(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    while at < len(text):
        if text[at] == "{":
            end = _closing(text, at)
            parts.append(text[at + 1 : end])
            at = end + 1
        elif text[at] == '"':
            end = _quote(text, at + 1)
            parts.append(text[at + 1 : end])
            at = end + 1
        elif bare := _BARE.match(text, at):
            parts.append(bare[0])
            at = bare.end()
        else:
            break
        if not (joined := re.compile(r"\s*#\s*").match(text, at)):
            break
        at = joined.end()
    return "".join(parts), at


def _closing(text: str, at: int) -> int:
    depth = 0
    for mark in re.compile(r"\\.|[{}]", re.S).finditer(text, at):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.start()
    return len(text)


def _quote(text: str, at: int) -> int:
    depth = 0
    for mark in re.compile(r"\\.|[{}\"]", re.S).finditer(text, at):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if mark[0] == '"' and depth == 0:
            return mark.start()
    return len(text)


def _accented(match: re.Match[str]) -> str:
    letter = match[2] or match[3]
    return unicodedata.normalize("NFC", letter + _COMBINING[match[1]])
