"""Say before the work begins what a chat model will take."""

from __future__ import annotations

from typing import Final

from ..base import Estimate
from .entry import Entry
from .prices import Price

#: Tokens in and out of one call of each kind, at four characters for a token; benchmarks/models.py runs them.
_QUESTION: Final = (500, 90)
_QUERY: Final = (500, 80)
_ANSWER: Final = (2700, 350)
_SECTION: Final = (2200, 500)
_REPAIR: Final = (650, 150)
_TEAM: Final = (1600, 350)
_BODY: Final = (1000, 100)
_EDGE: Final = (2200, 250)
_REPORT: Final = (5000, 1000)
#: Models write more or less than that, and count tokens in their own ways.
_LEAST: Final = 0.6
_MOST: Final = 2.0

Tokens = tuple[int, int]


def estimate(
    entry: Entry, price: Price | None, chosen: str, analysts: int, turns: int, unheld: str | None = None
) -> Estimate:
    """Give the least and the most that is likely; without analysts it is one call.

    Args:
        entry: the model.
        price: what its tokens cost, where that is known.
        chosen: why it is this one.
        analysts: how many, 0 for one call.
        turns: how many questions each asks at most.
        unheld: what is to be said about a cap that holds nothing.
    """
    low = _team(analysts, 1, repaired=False) if analysts else [_REPORT]
    high = _team(analysts, turns, repaired=True) if analysts else [_REPORT, _REPORT, *[_REPAIR] * 4]
    least, most = (_sum(calls, factor) for calls, factor in ((low, _LEAST), (high, _MOST)))
    money = None if price is None else [round(price.of(*one), 4) for one in (least, most)]
    calls = [len(low), len(high)]
    tokens = [sum(least), sum(most)]
    sends_to = None if entry.local else entry.host
    return {
        "model": entry.name,
        "chosen": chosen,
        "sends_to": sends_to,
        "calls": calls,
        "tokens": tokens,
        "money": money,
        "sentence": " ".join(
            filter(None, (_sentence(entry, chosen, sends_to, calls, tokens, money), unheld))
        ),
    }


def _team(analysts: int, turns: int, *, repaired: bool) -> list[Tokens]:
    each = [_QUESTION, _QUERY, _ANSWER] * turns + [_SECTION] + [_REPAIR] * repaired
    return [_TEAM, *(each * analysts), _BODY, _EDGE, _EDGE]


def _sum(calls: list[Tokens], factor: float) -> Tokens:
    return int(sum(taken for taken, _ in calls) * factor), int(sum(given for _, given in calls) * factor)


def _sentence(
    entry: Entry,
    chosen: str,
    sends_to: str | None,
    calls: list[int],
    tokens: list[int],
    money: list[float] | None,
) -> str:
    where = (
        f"Your topic and passages of your files go to {sends_to}."
        if sends_to
        else "Nothing leaves this machine for it."
    )
    paid = f", ${money[0]:.2g} to ${money[1]:.2g}" if money else ""
    return (
        f"The model is {entry.name} ({chosen}). {where} "
        f"It will take {calls[0]} to {calls[1]} calls, "
        f"{_round(tokens[0])} to {_round(tokens[1])} tokens{paid}."
    )


def _round(tokens: int) -> str:
    return f"{round(tokens, -3):,}" if tokens >= 1000 else str(tokens)
