"""Show a proposal on a terminal and ask what a person thinks of it."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..client import Client
from ..errors import StaleVersion
from ..events import Snapshot
from ..export.plain import one_line


def decide(client: Client, snapshot: Snapshot) -> bool:
    """Ask once; False where the person leaves it open."""
    print(text(snapshot), file=sys.stderr)
    answer = _ask("Approve (enter), say what to change, or quit (q)? ")
    if answer.casefold() in ("q", "quit"):
        return False
    try:
        if answer.casefold() in ("", "y", "yes", "a", "approve", "ok"):
            client.approve(snapshot["session_id"], snapshot["version"])
        else:
            client.modify(snapshot["session_id"], snapshot["version"], answer)
    except StaleVersion as error:
        print(error, file=sys.stderr)
    return True


def _ask(question: str) -> str:
    # Not by input(), which writes to the output, where the report is to stand alone.
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.strip() if line else "q"


def text(snapshot: Snapshot) -> str:
    """Give the proposal as lines of text."""
    lines = ["", one_line(snapshot["question"] or "Is this right?")]
    proposal = snapshot["proposal"]
    analysts = proposal.get("analysts") if isinstance(proposal, dict) else None
    if isinstance(analysts, list) and analysts:
        lines += [line for number, analyst in enumerate(analysts, 1) for line in _analyst(number, analyst)]
    else:
        lines.append(json.dumps(proposal, indent=2, ensure_ascii=True))
    return "\n".join([*lines, ""])


def _analyst(number: int, analyst: dict[str, Any]) -> list[str]:
    named = [one_line(str(analyst.get(field) or "")) for field in ("name", "role", "affiliation")]
    lines = [f"  {number}. " + ", ".join(dict.fromkeys(filter(None, named)))]
    description = one_line(str(analyst.get("description") or ""))
    return [*lines, f"     {description}"] if description else lines
