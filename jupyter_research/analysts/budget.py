"""Keep a session within what it may use, over all its attempts and all analysts at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from ..errors import BudgetSpent
from ..ledger import Ledger

#: An answer with less room than this is not worth its prompt.
_FEWEST: Final = 256
#: Seconds after which one that waits for others' calls looks at the clock.
_LOOK: Final = 0.5


def usage(ledger: Ledger, budget: Budget) -> dict[str, float]:
    """Say what a session used so far, as its snapshot and its report show it."""
    counts = ledger.counts()
    online = {"online_searches": counts.get("online", 0), "fetches": counts.get("fetch", 0)}
    used: dict[str, float] = {
        "calls": counts.get("model", 0),
        "searches": counts.get("search", 0),
        **{name: number for name, number in online.items() if number},
    }
    tokens = ledger.usage()
    if tokens["input_tokens"] or tokens["output_tokens"]:
        used["tokens"] = tokens["input_tokens"] + tokens["output_tokens"]
        if budget.priced:
            used["money"] = round(tokens["money"], 6)
    return used


class Budget:
    """Watch calls, tokens, money and working time. Thread-safe.

    A call reserves the most that it may take before it is made, so that analysts that call at the same time
    cannot pass the cap together.

    Args:
        limits: some of `calls`, of the model, `tokens`, `money`, `seconds`.
        ledger: what was used so far.
        cost: the price of so many tokens in and out; None where nobody knows it.
        chat: whether a chat model is asked: nothing else has a price.
    """

    def __init__(
        self,
        limits: Mapping[str, float],
        ledger: Ledger,
        cost: Callable[[int, int], float] | None = None,
        *,
        chat: bool = False,
    ) -> None:
        self._chat = chat
        self._limits = limits
        self._ledger = ledger
        self._cost = cost
        self._before = ledger.seconds() if "seconds" in limits else 0.0
        self._begun = time.monotonic()
        self._changed = threading.Condition()
        #: Tokens in and out of the calls under way.
        self._held: list[tuple[int, int]] = []
        #: Why a call was refused; from then on the budget counts as used up.
        self._over: str | None = None

    @property
    def priced(self) -> bool:
        """Tell whether it is known what tokens cost."""
        return self._cost is not None

    @property
    def unheld(self) -> str | None:
        """Give the sentence about a cap that holds nothing, None where there is none."""
        money = self._limits.get("money")
        if money is None or self.priced or not self._chat:
            return None
        return (
            f"The cap of ${money:g} holds nothing, since this model has no price: one on tokens would hold, "
            "as --budget tokens=200000 does."
        )

    def exhausted(self) -> str | None:
        """Give the sentence that names the limit that is reached, None while there is none."""
        if self._over is not None:
            return self._over
        calls = self._limits.get("calls")
        if calls is not None and self._calls() >= calls:
            return f"The budget of {calls:g} calls was used up."
        seconds = self.seconds_left()
        if seconds is not None and seconds <= 0:
            return f"The budget of {self._limits['seconds']:g} seconds was used up."
        used = self._ledger.usage()
        tokens, money = self._limits.get("tokens"), self._limits.get("money")
        if tokens is not None and used["input_tokens"] + used["output_tokens"] >= tokens:
            return f"The budget of {tokens:,.0f} tokens was used up."
        if money is not None and used["money"] >= money:
            return f"The budget of ${money:g} was used up."
        return None

    def seconds_left(self) -> float | None:
        """Give the seconds that are left, None without such a limit."""
        limit = self._limits.get("seconds")
        return None if limit is None else limit - self._before - (time.monotonic() - self._begun)

    @contextmanager
    def reserve(self, taken: int, most: int) -> Iterator[int]:
        """Hold room for a call until the block ends, and yield how many tokens its answer may have.

        Waits while other calls hold what this one needs: most give back more than they take.

        Args:
            taken: tokens of the prompt, at most.
            most: tokens of the answer, at most; it gets fewer where that is all that is left.

        Raises:
            BudgetSpent: when there is no room for it any more.
        """
        with self._changed:
            given = self._room(taken, most)
            while given < min(most, _FEWEST) and self._held and self._in_time():
                self._changed.wait(_LOOK)
                given = self._room(taken, most)
            if given < min(most, _FEWEST):
                self._over = self._spent()
                raise BudgetSpent(self._over)
            held = (taken, given)
            self._held.append(held)
        try:
            yield given
        finally:
            with self._changed:
                self._held.remove(held)
                self._changed.notify_all()

    def _room(self, taken: int, most: int) -> int:
        """Give how many tokens an answer may have beside the calls under way."""
        if not self._in_time():
            return 0
        calls = self._limits.get("calls")
        if calls is not None and self._calls() + len(self._held) + 1 > calls:
            return 0
        used = self._ledger.usage()
        room = most
        if (tokens := self._limits.get("tokens")) is not None:
            held = sum(one + other for one, other in self._held)
            room = min(room, int(tokens - used["input_tokens"] - used["output_tokens"] - held - taken))
        if (money := self._limits.get("money")) is not None and self._cost is not None:
            left = money - used["money"] - sum(self._cost(*held) for held in self._held)
            left -= self._cost(taken, 0)
            each = self._cost(0, 1_000_000) / 1_000_000
            room = min(room, int(left / each) if each > 0 else most if left >= 0 else 0)
        return room

    def _in_time(self) -> bool:
        seconds = self.seconds_left()
        return seconds is None or seconds > 0

    def _calls(self) -> int:
        # Of the model: these the estimate and the usage count, by which people choose a cap.
        return self._ledger.counts().get("model", 0)

    def _spent(self) -> str:
        """Name the limit that another call would pass."""
        reached = self.exhausted()
        if reached is not None:
            return reached
        if (money := self._limits.get("money")) is not None and self._cost is not None:
            return f"The budget of ${money:g} has no room for another call."
        if (tokens := self._limits.get("tokens")) is not None:
            return f"The budget of {tokens:,.0f} tokens has no room for another call."
        return f"The budget of {self._limits['calls']:g} calls was used up."
