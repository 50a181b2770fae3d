"""Decode bytes of unknown encoding into text, or say that they are none."""

from __future__ import annotations

import codecs
import re
from typing import Final

from .parsed import Unreadable

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_DECLARED: Final = re.compile(rb"(?:coding[:=][ \t]*|charset=[\"']?|encoding=[\"'])([-\w.]+)", re.ASCII)

#: A text whose every third character is no ASCII is none of the western encodings.
_WESTERN_SHARE: Final = 0.3


def decode(data: bytes, *, declared: bool = False) -> str:
    """Decode by byte order mark, declaration, UTF-8, else as western text.

    `declared` looks for an encoding named in the first kilobyte (HTML, Python).
    Newlines stay as they are. Raises `Unreadable` for what is no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data, encoding)
    if b"\x00" in data[:65536] or len(_CONTROL.findall(data[:65536])) * 200 > min(len(data), 65536):
        raise Unreadable("not text: binary")
    if declared and (named := _DECLARED.search(data[:1024])):
        text = _as_declared(data, named[1].decode("ascii"))
        if text is not None:
            return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _mended(data)


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"not text: broken {encoding}") from None


def _as_declared(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        return None


def _mended(data: bytes) -> str:
    """Decode UTF-8 with a few broken bytes, or western text of one byte a character."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    others = sum(1 for character in text if character > "\x7f") - broken
    if others >= 5 * broken:
        return text
    high = sum(1 for byte in data if byte > 0x7F)
    if high > _WESTERN_SHARE * len(data.translate(None, b" \t\r\n")):
        raise Unreadable("in an unknown encoding: save it as UTF-8")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
