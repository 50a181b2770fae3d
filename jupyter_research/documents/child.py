"""Parse files in a process of its own, one at a time, as the parent asks over the standard streams.

Each message is four bytes of length and JSON. The parent names a file, the child answers
with its hash, the parent says whether to parse it.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import struct
import sys
from pathlib import Path
from typing import IO, Any, Final

from .language import foreign_language
from .opening import read
from .parsing import NoEvidence, Unreadable, parse
from .passages import cut

_LENGTH: Final = struct.Struct(">I")
#: A child that has grown to this ends after its file: what a large one took is not given back otherwise.
_GROWN: Final = 100 * 1024 * 1024


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message."""
    data = json.dumps(message).encode("ascii")
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message; raise `EOFError` when the other side is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return json.loads(data)


def main(memory: int, seconds: int) -> None:
    """Serve until the parent closes the stream.

    `memory` bounds the address space in bytes, `seconds` the work on one file: beyond that an
    alarm ends the process even inside a parser's C code, and even when the parent is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(memory)
    if hasattr(os, "nice"):
        # The server and the kernels of the same machine come first.
        os.nice(5)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a parser prints must not get between the messages.
    os.dup2(2, 1)
    alarm = getattr(signal, "alarm", lambda _: None)
    while True:
        try:
            request = receive(requests)
        except EOFError:
            return
        alarm(seconds)
        _serve(request, requests, answers)
        alarm(0)


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:
        return
    for what, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        if hard == resource.RLIM_INFINITY or hard > value:
            resource.setrlimit(what, (value, value))


def _serve(request: dict[str, str], requests: IO[bytes], answers: IO[bytes]) -> None:
    try:
        data, stamp = read(Path(request["path"]), request["kind"])
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        send(answers, {"hash": digest, "stamp": stamp})
        if not receive(requests):
            return
        send(answers, {**_parsed(data, request["kind"]), "last": _resident() > _GROWN})
    except EOFError:
        return
    except NoEvidence:
        send(answers, {"nothing": True})
    except Unreadable as reason:
        send(answers, {"failure": str(reason)})
    except (MemoryError, RecursionError):
        send(answers, {"failure": "needs too much memory to be parsed", "last": True})
    except Exception as error:
        send(answers, {"failure": f"damaged: the parser gave up ({type(error).__name__})"})


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _parsed(data: bytes, kind: str) -> dict[str, Any]:
    parsed = parse(data, kind)
    return {
        "text": parsed.text,
        "spans": cut(parsed.text, parsed.marks),
        "title": parsed.title,
        "authors": parsed.authors,
        "year": parsed.year,
        "doi": parsed.doi,
        "pages": parsed.pages,
        "language": foreign_language(parsed.text),
    }
