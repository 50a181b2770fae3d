"""Say what of a session's work is kept when it stops before its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def kept(snapshot: Mapping[str, Any]) -> str | None:
    """Give the sentence for a pause, None where no analyst has begun."""
    analysts = snapshot["analysts"]
    if not any(analyst["done"] for analyst in analysts):
        return None
    done = sum(analyst["state"] == "done" for analyst in analysts)
    noun = "interview" if len(analysts) == 1 else "interviews"
    return f"Paused: {done} of {len(analysts)} {noun} done; nothing of it is done again."
