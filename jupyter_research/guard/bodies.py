"""Take no more of an answer than was meant, however small it looks when compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

#: `zlib` finds out by itself whether it is gzip or zlib.
_EITHER: Final = 32 + zlib.MAX_WBITS


class TooMuch(Exception):
    """The answer is larger than is taken."""


def inflated(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """Give the content of an answer, at most `limit` bytes of it, as it comes.

    Raises:
        TooMuch: when there is more, before it is unpacked, or when as much came without unpacking to so much.
        ValueError: for an encoding that was not asked for, or content that is not in it.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from _counted(chunks, limit)
    elif encoding in ("gzip", "x-gzip", "deflate"):
        # What comes counts too: a stream of empty blocks unpacks to nothing and never ends.
        yield from _unpacked(_counted(chunks, limit), limit)
    else:
        # Several encodings one upon another are how a bomb of kilobytes unpacks to terabytes.
        raise ValueError(f"The answer is encoded as {encoding[:40]!r}, which was not asked for.")


def _counted(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise TooMuch
        yield chunk


def _unpacked(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_EITHER)
    left = limit
    for chunk in chunks:
        while chunk:
            try:
                content = unpacker.decompress(chunk, left + 1)
            except zlib.error as error:
                raise ValueError("The answer is not in the encoding that it names.") from error
            left -= len(content)
            if left < 0:
                raise TooMuch
            if content:
                yield content
            chunk = unpacker.unconsumed_tail
        if unpacker.eof:
            return  # Whatever follows the end is no part of it, and the unpacker would keep it all.
