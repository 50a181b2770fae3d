"""Find passages in files without a session."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

from ..client import LocalClient
from ..export.plain import one_line
from ..work import Caller

#: How much of a passage is shown, in characters.
_SHOWN: Final = 500


def search(arguments: Namespace) -> int:
    """Read what is new, search it, print the passages that fit best.

    Always done here: a search needs no session, and a server may not read all that this process may.
    """
    client = LocalClient.over()
    try:
        found = client.runtime.search(
            Caller(owner="local"),
            " ".join(arguments.query),
            sources=arguments.source or [],
            k=arguments.k,
            progress=reading,
        )
    finally:
        client.close()
    for number, passage in enumerate(found, 1):
        print(json.dumps(passage) if arguments.json else _text(number, passage))
    if not found and not arguments.json:
        print("Nothing was found: try other words, or name more files with --source.", file=sys.stderr)
    return 0


def reading(done: int, total: int, name: str) -> None:
    """Show on a terminal how far the reading of files is."""
    if sys.stderr.isatty():
        line = f"Reading {done} of {total} files: {one_line(name)}"[:78] if done < total else ""
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _text(number: int, passage: Mapping[str, Any]) -> str:
    text = one_line(passage["quote"])
    if len(text) > _SHOWN:
        text = text[:_SHOWN].rsplit(" ", 1)[0] + " …"
    return f"[{number}] {', '.join(_place(passage))}\n    {text}\n"


def _place(passage: Mapping[str, Any]) -> list[str]:
    place = [one_line(passage["title"]), one_line(passage["path"])]
    if passage["page"] is not None:
        place.append(f"p. {passage['page']}")
    elif passage["cell"] is not None:
        place.append(f"cell {passage['cell']}")
    elif passage["heading"]:
        place.append(f"§ {one_line(passage['heading'])}")
    return list(dict.fromkeys(place))
