"""Know what tokens of a model cost, where the price list knows the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .entry import Entry

#: How the price list calls a provider.
_LISTED: Final = {"google_genai": "google", "google_vertexai": "google", "mistralai": "mistral"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Hold what a million tokens cost, in US dollars."""

    input: float
    output: float

    def of(self, taken: int, given: int) -> float:
        """Give the cost of so many tokens."""
        return (taken * self.input + given * self.output) / 1_000_000


def price_of(entry: Entry) -> Price | None:
    """Give the price that is configured, else the listed one; None where nobody knows it.

    Reads a list that is installed: nothing goes over a network.
    """
    if entry.price:
        return Price(input=float(entry.price["input"]), output=float(entry.price["output"]))
    if entry.local:
        return None
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    # By the thousand: some models cost more from a length on that these prompts do not reach.
    usage = Usage(input_tokens=1000, output_tokens=1000)
    provider = _LISTED.get(entry.provider, entry.provider)
    try:
        cost = calc_price(usage, model_ref=entry.model, provider_id=provider)
    except LookupError:
        return None
    return Price(input=float(cost.input_price) * 1000, output=float(cost.output_price) * 1000)
