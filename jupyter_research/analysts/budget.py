"""Know when a session has used up what it may use."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ..ledger import Ledger


class Budget:
    """Watch the calls and the working time of a session, over all its attempts."""

    def __init__(self, limits: Mapping[str, float], ledger: Ledger) -> None:
        self._limits = limits
        self._ledger = ledger
        self._before = ledger.seconds() if "seconds" in limits else 0.0
        self._begun = time.monotonic()

    def exhausted(self) -> str | None:
        """Give the sentence that names the limit that is reached, None while there is none."""
        calls = self._limits.get("calls")
        if calls is not None and sum(self._ledger.counts().values()) >= calls:
            return f"The budget of {calls:g} calls was used up."
        seconds = self._limits.get("seconds")
        if seconds is not None and self._before + time.monotonic() - self._begun >= seconds:
            return f"The budget of {seconds:g} seconds was used up."
        return None
